// npm's oidc-provider with its own pages for trying it out: any name signs in. node provider.js <issuer> <portal> <secret>
// The client's settings are those that docs/embedding.md asks for.

import { Provider } from "oidc-provider";

const [issuer, portal, secret] = process.argv.slice(2);
const provider = new Provider(issuer, {
  clients: [{
    client_id: "portal",
    client_secret: secret,
    redirect_uris: [`${portal}/sign-in/oidc/back`],
    post_logout_redirect_uris: [`${portal}/sign-in`],
    backchannel_logout_uri: `${portal}/sign-in/oidc/logout`,
    backchannel_logout_session_required: true,
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for a test"] },
  features: { backchannelLogout: { enabled: true } },
  // By itself it tells no server on its own machine.
  fetch: (address, { dispatcher, ...options }) => fetch(address, options),
  findAccount: (context, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: sub, email: `${sub}@odnowa.example`, email_verified: sub !== "eve" }),
  }),
});
provider.listen(Number(new URL(issuer).port), "127.0.0.1");
