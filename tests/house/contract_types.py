"""Import contracts that may name a room before it is built.

import-linter stops at a module that does not exist.  Ours hold from the day the
room appears, without an edit on that day, which is the edit that gets forgotten.
"""

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import ContractCheck
from importlinter.domain.imports import ModuleExpression


def present(expressions: set[ModuleExpression], graph: ImportGraph) -> set[ModuleExpression]:
    """Keep the modules that are in the graph."""
    return {each for each in expressions if each.expression in graph.modules}


class ForbiddenOncePresent(ForbiddenContract):
    """`forbidden`, for those of its modules that exist."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check the modules that exist."""
        self.source_modules = present(self.source_modules, graph)
        self.forbidden_modules = present(self.forbidden_modules, graph)
        return super().check(graph, verbose)


class ProtectedOncePresent(ProtectedContract):
    """`protected`, for those of its modules and importers that exist."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check the modules that exist."""
        self.protected_modules = present(self.protected_modules, graph)
        self.allowed_importers = present(self.allowed_importers, graph)
        return super().check(graph, verbose)
