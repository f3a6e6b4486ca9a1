"""Names and e-mail addresses of people who do not exist, with the accents and apostrophes of people who do."""

from __future__ import annotations

import unicodedata

import numpy as np

from clv.simulate_customers import COUNTRIES, Ints

_FIRST = {
    "United Kingdom": ("Amelia", "Oliver", "Isla", "George", "Priya", "Harry", "Zoë", "Rhys", "Aisha", "Callum"),
    "Germany": ("Jürgen", "Anke", "Björn", "Käthe", "Lukas", "Mia", "Jörg", "Sabine", "Emre", "Lena"),
    "France": ("Chloé", "Hélène", "François", "Théo", "Inès", "Noël", "Léa", "Gaëlle", "Rémi", "Camille"),
    "Spain": ("Lucía", "José", "Begoña", "Íñigo", "Martín", "Sofía", "Álvaro", "Carmen", "Andrés", "Nuria"),
    "Ireland": ("Aoife", "Seán", "Siobhán", "Ciarán", "Niamh", "Pádraig", "Orla", "Conor", "Gráinne", "Liam"),
    "Poland": ("Małgorzata", "Łukasz", "Zofia", "Paweł", "Agnieszka", "Michał", "Żaneta", "Jan", "Kinga", "Tomasz"),
    "Portugal": ("João", "Inês", "Conceição", "Luís", "Beatriz", "Tomás", "Mafalda", "Rui", "Sérgio", "Catarina"),
    "Sweden": ("Åsa", "Göran", "Elin", "Björn", "Märta", "Nils", "Linnéa", "Håkan", "Saga", "Anders"),
}
_LAST = {
    "United Kingdom": ("Smith", "O'Neill", "Patel", "Jones", "Fox-Brown", "Khan", "Taylor", "Evans", "D'Arcy", "Reid"),
    "Germany": ("Müller", "Schäfer", "Groß", "Weiß", "Yılmaz", "Krüger", "Schmidt", "von der Heide", "König", "Becker"),
    "France": ("Lefèvre", "D'Aubigné", "Béranger", "Martin", "L'Hermite", "Dubois", "Garçon", "Petit", "Muñoz", "Noël"),
    "Spain": ("García", "Núñez", "Ibáñez", "López", "Peña", "Martín", "Díaz", "Ortega", "Güell", "Vázquez"),
    "Ireland": ("O'Brien", "O'Dea", "Murphy", "Ó Dálaigh", "Byrne", "D'Alton", "Walsh", "Ní Bhriain", "Daly", "Ó Sé"),
    "Poland": ("Wiśnia", "Kowalski", "Wójcik", "Żak", "Nowak", "Dąbrowska", "Łuczak", "Zieliński", "Górska", "Mazur"),
    "Portugal": ("Gonçalo", "Simões", "d'Avó", "Magalhães", "Silva", "Araújo", "Sá", "Costa", "Pinhão", "Lourenço"),
    "Sweden": ("Åkesson", "Söderberg", "Lindström", "Öberg", "Nilsson", "Sjögren", "Hägg", "Ek", "Björk", "Löfgren"),
}  # fmt: skip
_PLAIN = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ı": "i", "'": "", " ": ""})
_DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved by RFC 2606: mail to these reaches nobody."""


def full_names(rng: np.random.Generator, country: Ints) -> list[str]:
    """A name for each customer, usual in the country with that index in COUNTRIES."""
    first = rng.integers(0, 10, len(country)).tolist()
    last = rng.integers(0, 10, len(country)).tolist()
    firsts, lasts = [_FIRST[name] for name in COUNTRIES], [_LAST[name] for name in COUNTRIES]
    return [f"{firsts[c][i]} {lasts[c][j]}" for c, i, j in zip(country.tolist(), first, last, strict=True)]


def emails(names: list[str], numbers: list[int]) -> list[str]:
    """An address for each name, plain ASCII and unique by the customer's number."""
    local = {name: _ascii(name) for name in set(names)}
    return [f"{local[name]}{n}@{_DOMAINS[n % len(_DOMAINS)]}" for name, n in zip(names, numbers, strict=True)]


def _ascii(name: str) -> str:
    first, _, last = name.partition(" ")
    dotted = f"{first}.{last}".translate(_PLAIN).lower()
    return unicodedata.normalize("NFKD", dotted).encode("ascii", "ignore").decode("ascii")
