"""National Drug Codes: ten or eleven digits, hyphens or none, with or without the package segment.

Labeler and product segments name the drug; the package segment only its size (21 CFR 207.33). So two
codes are the same drug when their labeler-product keys (nine digits, 5-4) agree.
"""

from __future__ import annotations


def product_keys(code: str) -> tuple[str, ...]:
    """Nine-digit labeler-product keys that a code may stand for; several when its layout is ambiguous.

    Empty when it is no NDC. Ten digits without hyphens fit three layouts (4-4-2, 5-3-2, 5-4-1).
    """
    segments = code.strip().split("-")
    if not all(segment.isascii() and segment.isdigit() for segment in segments):
        return ()
    if len(segments) in (2, 3):
        labeler, product = segments[0], segments[1]
        package = segments[2] if len(segments) == 3 else "0"
        if len(labeler) in (4, 5) and len(product) in (3, 4) and len(package) in (1, 2):
            return (labeler.zfill(5) + product.zfill(4),)
        return ()
    if len(segments) != 1:
        return ()
    digits = segments[0]
    if len(digits) in (9, 11):
        return (digits[:9],)
    if len(digits) == 10:
        keys = (f"0{digits[:8]}", f"{digits[:5]}0{digits[5:8]}", digits[:9])
        return tuple(dict.fromkeys(keys))
    return ()
