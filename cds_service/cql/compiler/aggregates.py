"""The Aggregate operator over a list; aggregate functions such as Sum are plain operators."""

from __future__ import annotations

from cds_service.cql.compiler.body import Body, Closure, Node, handles


@handles("Aggregate")
def aggregate(body: Body, node: Node) -> Closure:
    """Refused: the translator writes the aggregate clause of a query, never this node."""
    body.fail("the Aggregate operator is not supported; use the aggregate clause of a query", node)
