import { DEMO_PASSWORD } from '../../scripts/demo/account.mjs';
import type { Route, Routes, Schema } from './routes.js';

/** The path of an id in a body: `['successors', 'default']`, with `0` for the first item of a list. */
export type Place = readonly (string | 0)[];

export interface IdField {
  place: Place;
  /** The path of the collection to which the id belongs. */
  of: string;
}

const USERS = '/v1/users';
/** The collection to which ids in fields of this name belong. */
const MEANT: Record<string, string> = {
  userId: USERS,
  userIds: USERS,
  ownerId: USERS,
  assignee: USERS,
  assigneeId: USERS,
  actorId: USERS,
  subjectId: USERS,
  operatorId: USERS,
  destinationUserId: USERS,
  caretakerId: USERS,
  managerId: USERS,
  breakGlassOwnerId: USERS,
  memberIds: USERS,
  participantIds: USERS,
  sharedWith: USERS,
  grantedUserIds: USERS,
  author: USERS,
  agentId: USERS,
  sentBy: USERS,
  createdById: USERS,
  installedBy: USERS,
  requestedBy: USERS,
  receiverId: USERS,
  successors: USERS,
  to: USERS,
  teamId: '/v1/teams',
  teamIds: '/v1/teams',
  contactId: '/v1/contacts',
  contactIds: '/v1/contacts',
  recordId: '/v1/records',
  dealId: '/v1/records',
  inboxId: '/v1/inboxes',
  conversationId: '/v1/conversations',
  segmentId: '/v1/segments',
  numberId: '/v1/numbers',
  moveContactsTo: '/v1/numbers',
  storageId: '/v1/storage-connections',
  documentId: '/v1/documents',
  dashboardId: '/v1/dashboards',
  automationId: '/v1/automations',
  departureId: '/v1/departures',
  accountId: '/v1/account',
  sourceId: '/v1/import-sources',
};

/** @throws Error for a field that is not in MEANT */
export function meaningOf(name: string, where: string): string {
  const collection = MEANT[name];
  if (!collection) throw new Error(`Unknown id field ${name} in ${where}: add its collection to MEANT.`);
  return collection;
}

const isUuid = ({ format, pattern }: Schema) => format === 'uuid' || (pattern ?? '').includes('[0-9a-f]{8}');

/** All fields of the operation's body that contain an id. */
export function idFieldsOf(routes: Routes, { id, body }: Route): IdField[] {
  const found: IdField[] = [];
  const walk = (given: Schema, place: Place, name: string): void => {
    const schema = routes.resolve(given);
    if (isUuid(schema)) found.push({ place, of: meaningOf(name, id) });
    if (schema.items) walk(schema.items, [...place, 0], name);
    for (const [key, inner] of Object.entries(schema.properties ?? {})) walk(inner, [...place, key], key);
    for (const choice of schema.anyOf ?? []) walk(choice, place, name);
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, [...place, 'default'], name);
  };
  if (body) walk(body.schema, [], '');
  return found;
}

/** Collections in an order in which they can be emptied: records that refer to others come first. */
export function removalOrder(routes: Routes): string[] {
  const creates = new Map(routes.all.filter(({ method }) => method === 'POST').map((route) => [route.path, route]));
  const order = new Set<string>();
  const visited = new Set<string>();
  const visit = (path: string): void => {
    const create = creates.get(path);
    if (!create || visited.has(path)) return;
    visited.add(path);
    for (const { of } of idFieldsOf(routes, create)) visit(of);
    order.add(path);
  };
  for (const path of creates.keys()) visit(path);
  return [...order].reverse();
}

/** A copy of the body with the value at this path. */
export function withValue(body: unknown, [step, ...rest]: Place, value: unknown): unknown {
  if (step === undefined) return value;
  if (step === 0) return [withValue((body as unknown[] | undefined)?.[0], rest, value)];
  const fields = (typeof body === 'object' ? (body ?? {}) : {}) as Record<string, unknown>;
  return { ...fields, [step]: withValue(fields[step], rest, value) };
}

/** Whether the body has a value at this path. */
export const has = (body: unknown, place: Place): boolean =>
  place.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], body) !== undefined;

/** Fields that exclude each other. */
const EITHER = [
  ['recordId', 'contactId'],
  ['contactIds', 'segmentId'],
];

/** Fields that another field requires. */
const BESIDE: Record<string, object> = { 'inboxes.create memberIds': { kind: 'shared' } };

/** The body with the id at this path, without fields that exclude it and with fields that it requires. */
export function withId({ id: operation }: Route, body: unknown, place: Place, id: string | undefined): unknown {
  const changed = withValue(body, place, id) as Record<string, unknown>;
  const instead = EITHER.find((names) => names.includes(String(place[0]))) ?? [];
  const kept = Object.entries(changed).filter(([name]) => name === place[0] || !instead.includes(name));
  return { ...Object.fromEntries(kept), ...BESIDE[`${operation} ${String(place[0])}`] };
}

type IdOf = (collection: string) => string | undefined;

const aboutUser = (idOf: IdOf) => ({ conditions: [{ field: 'owner', op: 'is', userId: idOf('/v1/users') }] });
const selected = (idOf: IdOf) => ({ trigger: { kind: 'selected', userIds: [idOf('/v1/users')] } });

/** Fields whose values depend on existing records. */
const FITTING: Record<string, (idOf: IdOf) => object> = {
  'automations.create': selected,
  'automations.update': selected,
  'auth.login': () => ({ email: 'nobody@example.com' }),
  'auth.session.create': () => ({ email: 'nobody@example.com' }),
  'auth.step-up': () => ({ password: DEMO_PASSWORD }),
  'comments.create': (idOf) => ({ recordId: idOf('/v1/records') }),
  'files.create': (idOf) => ({ recordId: idOf('/v1/records') }),
  'notes.create': (idOf) => ({ recordId: idOf('/v1/records') }),
  'insight-filters.create': aboutUser,
  'insight-filters.update': aboutUser,
  'import-sources.update': () => ({ kind: undefined, active: false }),
  'messages.create': (idOf) => ({ inboxId: idOf('/v1/inboxes'), contactIds: [idOf('/v1/contacts')] }),
  'messages.inbound': (idOf) => ({ inboxId: idOf('/v1/inboxes') }),
  'reports.share': (idOf) => ({ sharedWith: [idOf('colleague')] }),
  'scheduled-messages.create': (idOf) => ({ inboxId: idOf('/v1/inboxes'), contactIds: [idOf('/v1/contacts')] }),
  'scim.groups.search.post': () => ({ filter: 'displayName eq "nobody"' }),
  'users.caretaker.put': (idOf) => ({ caretakerId: idOf('/v1/teams/{id}/members') }),
  'users.convert-to-shared-inbox': (idOf) => ({ memberIds: [idOf('/v1/teams/{id}/members')] }),
  'users.invite': () => ({ email: 'somebody.new@example.com', staffId: 'NEW-1' }),
  'users.reassign': (idOf) => ({
    rules: ['insights.shared-dashboards'],
    to: idOf('/v1/teams/{id}/members'),
    dryRun: undefined,
  }),
  'users.transfer': () => ({ email: 'somebody.next@example.com', staffId: 'NEW-2' }),
};

/** Values of required query parameters that have no list of values. */
const KNOWN: Readonly<Record<string, string>> = { rule: 'messaging.conversations' };

/** The required query parameters, with a question mark. */
export function queryFor({ query }: Route): string {
  const required = query.filter((parameter) => parameter.required);
  const pairs = required.map(({ name, schema }) => `${name}=${String(schema.enum?.[0] ?? KNOWN[name] ?? 'x')}`);
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

/** A valid body for the operation, with ids of existing records. */
export function bodyFor(routes: Routes, route: Route, things: ReadonlyMap<string, string>): unknown {
  if (!route.body) return undefined;
  const { example } = route.body;
  if (typeof example !== 'object' || example === null) return example;
  const ids = idFieldsOf(routes, route).filter(({ place }) => has(example, place));
  const filled = ids.reduce<unknown>((body, { place, of }) => withValue(body, place, things.get(of)), example);
  return { ...(filled as object), ...FITTING[route.id]?.((collection) => things.get(collection)) };
}
