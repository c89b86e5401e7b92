"""The factors of all tables under one roof: sources and licences checked, derived rows recomputed, units enforced."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from greenlane.errors import GreenlaneError
from greenlane.factors.formulas import FormulaError, evaluate_formula
from greenlane.factors.rows import FactorRow, SourceRow
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import SCALE, Factor, Scaled, Source

SHIPPED_LICENCES = frozenset(
    {"OGL-UK-3.0", "US-public-domain", "official-public-facts", "cited-facts", "MIT", "Apache-2.0"}
)
"""Licences under which a figure may be passed on; a user's own file may name any."""


class TableError(GreenlaneError):
    """A table is wrong; the text names file, row, problem and remedy. The process exits with 2."""

    def __init__(self, file: str, row: str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {row}: {problem}. {remedy}")


class FactorRegistry:
    """Factor rows by id, with the file each came from."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, FactorRow]] = {}
        self._sources: dict[str, Source] = {}

    def add_sources(self, file: str, rows: Iterable[SourceRow], *, own: bool = False) -> None:
        """Take in sources. Raises TableError for a duplicate id or, unless `own`, a licence that forbids shipping."""
        for row in rows:
            if row.id in self._sources:
                raise TableError(file, row.id, "a source of this id exists already", "Choose another id")
            if not own and row.licence not in SHIPPED_LICENCES:
                allowed = ", ".join(sorted(SHIPPED_LICENCES))
                problem = f"licence {row.licence!r} does not allow its figures to be shipped"
                raise TableError(file, row.id, problem, f"Use a source under one of: {allowed}; or an own factors file")
            self._sources[row.id] = Source(**row.model_dump())

    def add(self, file: str, rows: Iterable[FactorRow]) -> None:
        """Take in shipped rows. Raises TableError for a duplicate id or a row that may not be loaded."""
        for row in rows:
            if row.id in self._rows:
                raise TableError(file, row.id, "a factor of this id exists already", "Give each factor one row")
            self._take(file, row)

    def overlay(self, file: str, rows: Iterable[FactorRow]) -> None:
        """Lay a user's rows over the shipped ones. Raises TableError for an id or unit the shipped tables lack."""
        for row in rows:
            shipped = self._rows.get(row.id)
            if shipped is None:
                raise TableError(file, row.id, "no shipped factor has this id", "Use the id of the factor to replace")
            if shipped[1].unit != row.unit:
                raise TableError(file, row.id, f"unit {row.unit}", f"Give the value in {shipped[1].unit}")
            self._take(file, row if row.ttw else row.model_copy(update={"ttw": shipped[1].ttw}))

    def _take(self, file: str, row: FactorRow) -> None:
        self.require_citation(file, row.source, row.grade, row.id)
        if (row.grade == "D") != bool(row.formula):
            raise TableError(file, row.id, "a formula belongs to grade D and to it alone", "Add it or change the grade")
        if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
            raise TableError(file, row.id, "valid_to lies before valid_from", "Correct the dates")
        self._rows[row.id] = (file, row)

    def require_citation(self, file: str, source: str, grade: str, row: str = "file") -> None:
        """Raise TableError for grade M (from memory) or a source that is not listed."""
        if grade == "M":
            raise TableError(file, row, "grade M: from memory", "Verify it in its document and grade it P or S")
        if source not in self._sources:
            raise TableError(file, row, f"unknown source {source!r}", "List it under `sources`")

    def verify_derived(self) -> None:
        """Recompute every derived row. Raises TableError where formula and value disagree at the value's precision."""
        for file, row in self._rows.values():
            if not row.formula:
                continue
            try:
                exact = evaluate_formula(row.formula, self._exact)
            except KeyError as error:
                raise TableError(file, row.id, f"the formula names {error}", "Use ids of loaded factors") from error
            except FormulaError as error:
                raise TableError(file, row.id, "the formula cannot be read", str(error)) from error
            places = len(row.value.partition(".")[2])
            rounded = Decimal(divide_half_even(exact.numerator * 10**places, exact.denominator)).scaleb(-places)
            if rounded != Decimal(row.value):
                raise TableError(
                    file,
                    row.id,
                    f"the formula gives {rounded}, the row says {row.value}",
                    "Correct the value; after replacing a factor it is derived from, replace this one too",
                )

    def verify_tank_to_wheel(self) -> None:
        """Raise TableError where a row's tank-to-wheel part is missing, in another unit or boundary, or above it."""
        for file, row in self._rows.values():
            if row.ttw is None:
                continue
            part = self.exact(file, row.id, row.ttw, row.unit)
            if self._rows[row.ttw][1].boundary != "TTW" or row.boundary != "WTW" or part > Fraction(row.value):
                problem = f"{row.ttw} = {self._rows[row.ttw][1].value} is not its tank-to-wheel part"
                raise TableError(file, row.id, problem, "Name the TTW row; after replacing one, replace both")

    def _exact(self, identifier: str) -> Fraction:
        return Fraction(self._rows[identifier][1].value)

    def exact(self, file: str, row: str, identifier: str, unit: str) -> Fraction:
        """The exact value of a factor. Raises TableError when it is missing or in another unit."""
        held = self._rows.get(identifier)
        if held is None:
            raise TableError(file, row, f"no factor {identifier!r}", "Add its row or correct the id")
        if held[1].unit != unit:
            raise TableError(file, row, f"{identifier} is in {held[1].unit}", f"Use a factor in {unit}")
        return Fraction(held[1].value)

    def scaled(self, file: str, row: str, identifier: str, unit: str) -> Scaled:
        """The factor as the arithmetic wants it. Raises TableError as `exact` does."""
        value = self.exact(file, row, identifier, unit) * SCALE
        return Scaled(identifier, value.numerator)

    def factors(self) -> Mapping[str, Factor]:
        """Every factor with its provenance, for explanations."""
        return {
            row.id: Factor(
                id=row.id,
                value=Decimal(row.value),
                unit=row.unit,
                boundary=row.boundary,
                region=row.region,
                grade=row.grade,
                source=self._sources[row.source],
                where=", ".join(part for part in (row.cell, row.row) if part),
                formula=row.formula,
                ttw=row.ttw or "",
                note=row.note,
            )
            for _, row in self._rows.values()
        }
