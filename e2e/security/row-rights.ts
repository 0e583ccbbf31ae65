import {
  ALL_OPERATIONS,
  fieldTypes,
  RIGHTS,
  whoMay,
  type Operation,
  type Rights,
  type Role,
  type Who,
} from '#libs/contracts';
import type { Json } from '../support/api.js';
import type { Member } from '../support/cast.js';
import { ask, type Answer } from './ask.js';
import { bodyFor, queryFor } from './bodies.js';
import { LATER, type Relation, type Rows } from './rows.js';
import type { Routes } from './routes.js';

/** Lines of the matrix whose rows are not made here: their operations are in the matrix of roles. */
export const OTHERWISE_TESTED = [
  // Settings of a user, one each.
  'live-chat-operators',
  // Below rows that every user sees.
  'automation-runs',
  'assignments',
  'users',
  'teams',
];

/** Fields with the user whose row a new one becomes. */
export const OWNERS = ['ownerId', 'author', 'installedBy', 'assigneeId', 'operatorId', 'userId'];

/** Operations that change what later ones find. */
const LAST = [/\.release$/, /\.remove$/];

const rightsOf = (resource: string): Rights => RIGHTS[resource as keyof typeof RIGHTS];

/** The relations in which a row of the resource can be to a caller. */
export function relationsOf(resource: string, role: Role): Relation[] {
  const { own, team } = rightsOf(resource);
  const all: Relation[] = ['colleague', ...(team ? (['team'] as const) : [])];
  // The owner of a row may be anybody; one role is enough.
  return own && role === 'agent' ? [...all, 'own'] : all;
}

/** The status that an operation has to answer about a row: 404 if the caller may not see it, 403 if only see it. */
export function expected(resource: string, { id, access }: Operation, role: Role, relation: Relation): number {
  if (typeof access !== 'string' && !access.includes(role)) return 403;
  const rights = rightsOf(resource);
  const holds = (verb: string) => {
    const who = whoMay(rights, verb);
    if (who.includes('everyone') || (role !== 'agent' && who.includes('managers'))) return true;
    // Where only the place of a row counts, an own row is in a place that the user sees.
    const placed = relation === 'own' && !rights.see.includes('own') && who.includes('team');
    return placed || who.includes(relation as Who);
  };
  return holds('get') ? (holds(id.slice(resource.length + 1)) ? 200 : 403) : 404;
}

/** Values with which a change leaves the row to its user. */
function keeping({ id: userId }: Member, { id, method, body }: Operation): Json {
  // Managers may stop a sync, and only its user starts it.
  if (id === 'account-syncs.update') return { status: 'stopped' };
  if (method !== 'PATCH' || !body) return {};
  const names = fieldTypes(body);
  const users = names.has('userIds') && id.startsWith('storage') ? { userIds: [userId] } : {};
  return { ...users, ...Object.fromEntries(OWNERS.filter((name) => names.has(name)).map((name) => [name, userId])) };
}

interface Caller {
  role: Role;
  member: Member;
}

/** Calls every operation on rows of one resource, and looks for them in its list. */
export class RowRights {
  constructor(
    private readonly url: string,
    private readonly routes: Routes,
    private readonly rows: Rows,
    /** Rows of another account, by collection. */
    private readonly foreign: ReadonlyMap<string, string>,
  ) {}

  /** @returns what is not as the matrix says */
  async faultsOf(resource: string): Promise<string[]> {
    const { cleo, ada, owner } = this.rows.cast;
    const callers: Caller[] = [
      { role: 'agent', member: cleo },
      { role: 'admin', member: ada },
      { role: 'owner', member: owner },
    ];
    const faults: string[] = [];
    for (const caller of callers) {
      for (const relation of relationsOf(resource, caller.role))
        faults.push(...(await this.tryRow(resource, caller, relation)));
      faults.push(...(await this.tryForeign(resource, caller)));
    }
    return faults;
  }

  private async tryRow(resource: string, { role, member }: Caller, relation: Relation): Promise<string[]> {
    const by = relation === 'own' ? member : this.rows.colleague;
    const id = await this.rows.make(resource, { by, caller: member, relation });
    const about = (what: string) => `${resource}: ${role}, ${relation}: ${what}`;
    const list = this.operation(`${resource}.list`);
    const faults: string[] = [];
    if (list) {
      const seen = expected(resource, { ...list, id: `${resource}.get` }, role, relation) === 200;
      const { text, status } = await this.call(list, list.path, member);
      if (status === 200 && text.includes(`"id":"${id}"`) !== seen) faults.push(about(`listed: ${!seen}`));
    }
    for (const operation of this.onRow(resource)) {
      const path = operation.path.replace(/:\w+/, id);
      const { status, text } = await this.call(operation, path, member, keeping(by, operation));
      if (status === 400) throw new Error(`${operation.id} does not accept the body of the test: ${text}`);
      const found = [403, 404].includes(status) ? status : 200;
      const wanted = expected(resource, operation, role, relation);
      if (found !== wanted) faults.push(about(`${operation.id} → ${status}, not ${wanted} ${text.slice(0, 150)}`));
    }
    return faults;
  }

  private async tryForeign(resource: string, { role, member }: Caller): Promise<string[]> {
    const id = this.foreign.get(`/v1/${resource}`);
    if (!id) return [`${resource}: there is no row of another account`];
    const faults: string[] = [];
    for (const operation of this.onRow(resource)) {
      const { access } = operation;
      const wanted = typeof access !== 'string' && !access.includes(role) ? 403 : 404;
      const { status } = await this.call(operation, operation.path.replace(/:\w+/, id), member);
      if (status !== wanted) faults.push(`${operation.id}: ${role}, of another account → ${status}, not ${wanted}`);
    }
    return faults;
  }

  /** Creates rows as an agent in the name of a colleague, and in places that only the colleague sees. */
  async faultsOfCreating(): Promise<string[]> {
    const { cleo, dan } = this.rows.cast;
    const faults: string[] = [];
    const attempt = async (id: string, fields: Json, wanted: number) => {
      const operation = this.operation(id)!;
      const { status, text } = await this.call(operation, operation.path, cleo, fields);
      const found = status < 300 ? 201 : status;
      if (found !== wanted)
        faults.push(`${id} ${JSON.stringify(fields)} → ${status}, not ${wanted} ${text.slice(0, 150)}`);
    };
    for (const resource of this.rows.resources) {
      const create = this.routes.all.find(({ id }) => id === `${resource}.create`);
      const fields = Object.keys((create?.body && this.routes.resolve(create.body.schema).properties) ?? {});
      const owner = OWNERS.find((name) => fields.includes(name));
      if (!owner) continue;
      const { access } = this.operation(`${resource}.create`)!;
      const allowed = typeof access === 'string' && rightsOf(resource).createFor === 'everyone';
      const more = await this.rows.fieldsFor(resource, { by: dan, caller: cleo, relation: 'colleague' });
      await attempt(`${resource}.create`, { ...more, [owner]: dan.id }, allowed ? 201 : 403);
    }
    const [inboxId, conversationId] = await this.rows.hiddenPlaces();
    const contactId = this.rows.things.get('/v1/contacts');
    const text = 'Hello';
    await attempt('conversations.create', { inboxId, contactId, assignee: cleo.id }, 403);
    await attempt('messages.create', { inboxId, contactIds: [contactId], text }, 403);
    await attempt('scheduled-messages.create', { inboxId, contactIds: [contactId], text, at: LATER }, 403);
    await attempt('campaigns.create', { inboxId, text, at: LATER }, 403);
    await attempt('messages.inbound', { inboxId, contactId, text }, 403);
    await attempt('calls.inbound', { to: '+14155550100' }, 403);
    await attempt('csat-responses.create', { conversationId, score: 5 }, 403);
    await attempt('internal-notes.create', { conversationId, text }, 422);
    await attempt('inboxes.create', { kind: 'shared', name: 'Not mine', memberIds: [dan.id] }, 403);
    await attempt('numbers.create', { e164: '+14165550999', kind: 'shared' }, 403);
    return faults;
  }

  /** The operations on one row, those that others need to find it unchanged last. */
  private onRow(resource: string): Operation[] {
    const prefix = `${resource}.`;
    const own = ALL_OPERATIONS.filter(({ id, path }) => id.startsWith(prefix) && path.includes('/:id'));
    const place = ({ id }: Operation) => LAST.findIndex((pattern) => pattern.test(id));
    return own.sort((one, other) => place(one) - place(other));
  }

  private operation(id: string): Operation | undefined {
    return ALL_OPERATIONS.find((operation) => operation.id === id);
  }

  private call({ id, method }: Operation, path: string, { api }: Member, fields: Json = {}): Promise<Answer> {
    const route = this.routes.all.find((one) => one.id === id)!;
    const body = bodyFor(this.routes, route, this.rows.things);
    return ask(this.url, {
      method,
      path: path + (method === 'GET' && !path.match(/[0-9a-f-]{36}/) ? '?limit=200' : queryFor(route)),
      token: api.token,
      body: body && { ...(body as Json), ...fields },
      mediaType: route.body?.mediaType,
    });
  }
}
