/**
 * ESLint rule: reports nodes that a selector names, unless a comment on the same line or on the line above gives the
 * reason. Options are a list of `{ selector, message }`, as for `no-restricted-syntax`.
 * @type {import('eslint').Rule.RuleModule}
 */
export const needsReason = {
  meta: {
    type: 'problem',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        properties: { selector: { type: 'string' }, message: { type: 'string' } },
        required: ['selector', 'message'],
        additionalProperties: false,
      },
    },
  },
  create(context) {
    const commented = new Set(
      context.sourceCode.getAllComments().flatMap(({ loc }) => (loc ? [loc.start.line, loc.end.line] : [])),
    );
    /** @param {import('eslint').Rule.Node} node */
    const hasReason = (node) => {
      const lines = [node, statementOf(node)].map(({ loc }) => loc?.start.line ?? 0);
      return lines.some((line) => commented.has(line) || commented.has(line - 1));
    };
    return Object.fromEntries(
      context.options.map(({ selector, message }) => [
        selector,
        /** @param {import('eslint').Rule.Node} node */
        (node) => {
          if (!hasReason(node)) context.report({ node, message });
        },
      ]),
    );
  },
};

const STATEMENT = /Statement$|Declaration$|^PropertyDefinition$|^MethodDefinition$/;

/**
 * The statement or class member that the node is part of.
 * @param {import('eslint').Rule.Node} node
 */
function statementOf(node) {
  let at = node;
  while (at.parent && !STATEMENT.test(at.type)) at = at.parent;
  return at;
}
