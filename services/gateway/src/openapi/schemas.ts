import { nestedIn, PROBLEM_CODES, schemaOf, type Class, type Schema } from '#libs/contracts';

/**
 * Returns the schemas of these classes and of all classes they refer to, by name.
 * @throws Error when two different classes have the same name, because the document can describe only one
 */
export function componentSchemas(classes: Iterable<Class>): Record<string, Schema> {
  const known = new Map<string, Class>();
  const add = (type: Class): void => {
    const other = known.get(type.name);
    if (other === type) return;
    if (other) throw new Error(`two classes of the API are called ${type.name}`);
    known.set(type.name, type);
    nestedIn(type).forEach(add);
  };
  for (const type of classes) add(type);
  return Object.fromEntries(
    [...known].sort(([a], [b]) => a.localeCompare(b)).map(([name, type]) => [name, schemaOf(type)]),
  );
}

const PLANNED_ACTION: Schema = {
  type: ['object', 'null'],
  properties: {
    action: { type: 'string' },
    days: { type: 'integer' },
    scope: { type: 'string' },
    count: { type: 'integer' },
    successorId: { type: 'string', format: 'uuid' },
    successorTeamId: { type: 'string', format: 'uuid' },
  },
  required: ['action', 'count'],
};

/** RFC 9457 problem details with our codes. */
export const PROBLEM_SCHEMA: Schema = {
  type: 'object',
  description: 'RFC 9457 problem details. `code` is stable.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: PROBLEM_CODES },
    detail: { type: 'string' },
    service: {
      type: 'string',
      description: 'The service that did not answer. Always there with 503 `service-unavailable`.',
    },
    retryAfter: { type: 'integer', description: 'Seconds.' },
    items: { type: 'array', items: {}, description: 'Ids of the records that prevent it.' },
    valid: { type: 'array', items: { type: 'string' }, description: 'The accepted values.' },
    changes: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          rule: { type: 'string' },
          part: { type: 'string' },
          transition: { type: 'string' },
          before: PLANNED_ACTION,
          after: PLANNED_ACTION,
        },
        required: ['rule', 'transition', 'before', 'after'],
      },
      description:
        'With `plan-stale`: the lines of the plan that are not as they were previewed. `before` is null for a line that ' +
        'the preview did not have, `after` for one that the plan no longer has.',
    },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
        required: ['field', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code'],
};
