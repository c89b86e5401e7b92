"""Recomputes a derived factor from its formula: ids, numbers, + - * /, brackets and max(), and nothing else."""

import ast
from collections.abc import Callable
from fractions import Fraction

Lookup = Callable[[str], Fraction]
"""Gives the exact value of a factor id. Raises KeyError when it does not exist."""


class FormulaError(ValueError):
    """A formula that cannot be read; the text says what is allowed."""


def evaluate_formula(formula: str, value_of: Lookup) -> Fraction:
    """The exact value of a formula such as `moto.small.km * (a.ttw + a.wtt) / a.ttw`; odd ids stand in 'quotes'.

    Raises FormulaError for anything but the operations named above, KeyError for an unknown id.
    """
    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError as error:
        raise FormulaError(f"{formula!r} is no formula: {error.msg}") from error
    return _value(tree.body, value_of)


def _value(node: ast.expr, value_of: Lookup) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case ast.Name() | ast.Attribute():
            return value_of(ast.unparse(node))
        case ast.Constant(value=str() as quoted) if "." in quoted:
            return value_of(quoted)
        case ast.BinOp(left=left, op=op, right=right):
            return _operate(op, _value(left, value_of), _value(right, value_of))
        case ast.Call(func=ast.Name(id="max"), args=[_, *_] as args, keywords=[]):
            return max(_value(arg, value_of) for arg in args)
        case _:
            raise FormulaError(f"{ast.unparse(node)!r}: use ids, numbers, + - * /, brackets and max() only")


def _operate(op: ast.operator, left: Fraction, right: Fraction) -> Fraction:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() if right:
            return left / right
        case _:
            raise FormulaError("use + - * / and divide by nothing that is 0")
