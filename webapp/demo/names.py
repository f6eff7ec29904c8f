"""Made-up companies and people of the demo. All their addresses end in .example."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Company:
    """A client to be. ``country`` is an ISO code."""

    name: str
    city: str
    country: str


def companies(country: str, text: str) -> tuple[Company, ...]:
    """Read one company a line, as "name, city". A line may end in another country's code."""
    found = []
    for line in text.strip().splitlines():
        name, city, *other = (part.strip() for part in line.split(","))
        found.append(Company(name, city, other[0] if other else country))
    return tuple(found)


POLISH = companies(
    "PL",
    """
    Apteka pod Lipą, Kraków
    Browar Złoty Kłos, Łódź
    Cukiernia Malwa, Poznań
    Drukarnia Czcionka, Wrocław
    Ekologiczna Zagroda, Białystok
    Fabryka Mebli Dąb, Bydgoszcz
    Galeria Światło, Gdańsk
    Hotel pod Jeleniem, Jelenia Góra
    Instytut Językowy Lingua, Lublin
    Jubiler Bursztyn, Sopot
    Klinika Zdrowa Kość, Katowice
    Logistyka Północ, Gdynia
    Muzyka dla Ciebie, Warszawa
    Młyn Wodny, Opole
    Nowa Optyka, Rzeszów
    Ogrody Śląskie, Gliwice
    Ósemka Studio, Toruń
    Piekarnia Rogalik, Kielce
    Pracownia Ćma, Olsztyn
    Rowery Miejskie Szprycha, Poznań
    Szkoła Żeglarska Bryza, Giżycko
    Teatr Mały Księżyc, Kraków
    Uniwersytet Ludowy Wieś, Zamość
    Wydawnictwo Łabędź, Warszawa
    Zakład Ślusarski Kowadło, Częstochowa
    Zielona Energia Wiatrak, Szczecin
    Żywność Tradycyjna Spiżarnia, Radom
    Źródło Mineralne, Nałęczów
    """,
)
PORTUGUESE = companies(
    "BR",
    """
    Academia Corpo Leve, São Paulo
    Água Clara Piscinas, Campinas
    Ateliê Linha Fina, Belo Horizonte
    Bicicletas Vento Sul, Florianópolis
    Café Serra Azul, Poços de Caldas
    Clínica Sorriso Aberto, Curitiba
    Construtora Ipê, Goiânia
    Doceria Brigadeiro, São Paulo
    Editora Três Marias, Porto Alegre
    Energia Solar Girassol, Recife
    Escola Pé de Manga, Salvador
    Farmácia Boa Saúde, Fortaleza
    Gráfica Papel Machê, Santos
    Hotel Praia Mansa, Natal
    Imobiliária Chave Nova, Brasília
    Livraria Página Um, Rio de Janeiro
    Móveis Jatobá, Manaus
    Óticas Olhar, Vitória
    Padaria Pão Quente, Ribeirão Preto
    Quitanda Orgânica, Campinas
    Transportes Rota Certa, Cuiabá
    Vinhos do Vale, Porto, PT
    """,
)
ENGLISH = companies(
    "GB",
    """
    Alder & Oak Furniture, Leeds
    Blue Kettle Tea, Bristol
    Cobblestone Tours, Edinburgh
    Fernhill Dental, Cardiff
    Granite Coast Insurance, Plymouth
    Harbour Lane Books, Liverpool
    Ivy Street Legal, London
    Juniper Analytics, Dublin, IE
    Kestrel Aviation Training, Norwich
    Lantern Street Theatre, Glasgow
    Maple & Main Dental, Toronto, CA
    Northgate Robotics, Cambridge
    Orchard Valley Schools, Exeter
    Pine Ridge Outfitters, New York, US
    """,
)
FIRST_NAMES = {
    "pl": "Agnieszka Bartosz Celina Dariusz Elżbieta Grzegorz Halina Jakub Łucja Małgorzata Paweł "
    "Rafał Stanisław Wiesława Zbigniew Żaneta",
    "pt": "Adriana Bruno Camila Davi Eduarda Felipe Gabriela Heitor Inês Luís Mônica Otávio "
    "Patrícia Renato Simone Thiago",
    "en": "Alice Benjamin Chloe Daniel Eleanor Finn Grace Henry Isla Jack Lucy Martin Nora Oscar "
    "Priya Samuel",
}
LAST_NAMES = {
    "pl": "Adamczyk Błaszczyk Cieślak Dąbek Głąb Jóźwiak Kaczmarek Łukasik Michalak Nowak "
    "Pawlak Sikora Śliwa Wróbel Zając Żak",
    "pt": "Almeida Barbosa Cardoso Duarte Esteves Farias Gonçalves Lima Machado Nogueira Oliveira "
    "Prado Queiroz Ramos Siqueira Teixeira",
    "en": "Archer Bennett Carter Doyle Ellis Fletcher Grant Hayes Irwin Keane Lawson Mercer Nolan "
    "Parker Reid Shaw",
}
PRODUCTS = ("Marketing Hub", "Sales Hub", "Service Hub", "Content Hub", "Operations Hub")
# Numbers of three figures follow. Those of Britain are kept for films and plays.
PHONES = {"pl": "+48 600 000 ", "pt": "+55 11 90000-0", "en": "+44 7700 900"}


def phone(language: str, number: int) -> str:
    """Make up a telephone number, another one for each number below a thousand."""
    return f"{PHONES[language]}{number:03}"
