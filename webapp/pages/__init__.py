"""Flask blueprints, one module a page. A route loads and authorises, parses, calls, answers."""
