import { ALL_OPERATIONS, type Operation } from '#libs/contracts';

/**
 * Returns the URL of the created resource: below the request's path if resources can be read there, otherwise where an
 * operation reads resources of the same class (a departure started at `/v1/users/…/deactivate` is at
 * `/v1/departures/…`).
 */
export function locationOf(operation: Operation, path: string, answer: unknown): string | undefined {
  if (operation.status !== 201 && operation.status !== 202) return undefined;
  const id = idOf(answer);
  const template = operation.location ?? readAt(operation)?.path;
  if (template && !template.includes(':')) return template;
  if (!id) return undefined;
  return template && parametersOf(template) === 1 ? template.replace(/:\w+/, id) : `${path}/${id}`;
}

function readAt(operation: Operation): Operation | undefined {
  const readers = ALL_OPERATIONS.filter(
    (other) => other.method === 'GET' && other.path.endsWith('/:id') && parametersOf(other.path) === 1,
  );
  return (
    readers.find((other) => other.path === `${operation.path}/:id`) ??
    (parametersOf(operation.path) > 0 ? readers.find((other) => other.answer === operation.answer) : undefined)
  );
}

const parametersOf = (path: string): number => path.split(':').length - 1;

function idOf(answer: unknown): string | undefined {
  const id = typeof answer === 'object' && answer !== null ? (answer as { id?: unknown }).id : undefined;
  return typeof id === 'string' ? id : undefined;
}
