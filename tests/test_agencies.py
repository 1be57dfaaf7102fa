"""Agencies that only the registry names are recognised like those that everyone knows."""

from archive.extraction.agencies import agency_in_byline, agency_in_text, agency_named

DECLARED = ("Agencia Istmo", "EFE")


def test_a_declared_agency_signs_by_dateline_credit_line_and_byline() -> None:
    assert (
        agency_in_text(["México, 9 ene (Agencia Istmo).- La presidenta habló."], DECLARED) == "Agencia Istmo"
    )
    assert agency_in_text(["Uno.", "Con información de Agencia Istmo."], DECLARED) == "Agencia Istmo"
    assert agency_in_byline("Ana Ruiz / Agencia Istmo", DECLARED) == "Agencia Istmo"
    assert agency_named("Agencia Istmo", DECLARED) == "Agencia Istmo"


def test_an_agency_that_nobody_declared_does_not_sign() -> None:
    assert agency_in_text(["México, 9 ene (Agencia Istmo).- La presidenta habló."]) is None
    assert agency_named("Agencia Istmo") is None


def test_the_known_agencies_stay_known_beside_declared_ones() -> None:
    assert agency_in_text(["WASHINGTON (AP) — The secretary said."], DECLARED) == "AP"
    assert agency_in_text(["MADRID, 3 may (EFE).- El ministro."], DECLARED) == "EFE"


def test_a_declared_agency_in_a_sentence_is_no_credit() -> None:
    assert agency_in_text(["La ministra dijo a Agencia Istmo que no habrá cambios."], DECLARED) is None


def test_a_state_or_a_district_may_be_cut_short_in_a_dateline() -> None:
    assert agency_in_text(["SANTA FE, N.M. (AP) - A cat was found."]) == "AP"
    assert agency_in_text(["SAN DIEGO, Calif. (Border Report) — Agents said."]) == "Border Report"


def test_an_agency_that_signs_after_by_is_a_credit_and_so_is_one_after_an_abbreviated_state() -> None:
    assert agency_in_byline("By The Associated Press") == "AP"
    assert agency_in_byline("Por: Agencia Reforma") == "Agencia Reforma"
    assert agency_in_byline("Por Apro Méndez") is None
    assert agency_in_text(["NOGALES, Ariz. (AP) - Officers of both countries met."]) == "AP"
    assert agency_in_text(["Monterrey, N.L., 3 feb. (EFE).- La fiscalía informó."]) == "EFE"
    assert agency_in_text(["El jefe habló ayer. Dijo (EFE) - que no."]) is None
