import { ALL_OPERATIONS } from '#libs/contracts';
import type { Json } from '../support/api.js';
import { anAccount, type Cast, type Member } from '../support/cast.js';
import type { System } from '../support/system.js';
import { bodyFor } from './bodies.js';
import type { Routes } from './routes.js';

/** What a row is to the caller. */
export type Relation = 'own' | 'team' | 'colleague';

interface Wanted {
  /** The user whose row it becomes: the caller for `own`, a colleague otherwise. */
  by: Member;
  caller: Member;
  relation: Relation;
}

type Fields = Json | Promise<Json>;
type Recipe = (wanted: Wanted) => Fields;

/** A time that no test reaches. */
export const LATER = '2040-01-01T09:00:00.000Z';

/** Rows that users get from managers. */
const BY_OWNER = ['numbers'];

let issued = 0;
const next = () => ++issued;

/** Creates rows of every resource, in an account of its own. */
export class Rows {
  /** Ids for the bodies of other calls, by collection. */
  readonly things = new Map<string, string>();
  /** Whose row something is if it is neither the caller's nor visible to their team. */
  readonly colleague: Member;
  private readonly cache = new Map<string, Promise<string>>();

  private constructor(
    private readonly routes: Routes,
    readonly cast: Cast,
  ) {
    this.colleague = cast.dan;
  }

  static async open(system: System, routes: Routes): Promise<Rows> {
    const rows = new Rows(routes, await anAccount(system, 'crm'));
    const { owner, ben, dan } = rows.cast;
    const post = async (path: string, body: Json) => (await owner.api.post(path, body)).id as string;
    rows.things.set('/v1/users', dan.id).set('/v1/teams/{id}/members', dan.id).set('colleague', ben.id);
    rows.things.set('/v1/contacts', await post('/v1/contacts', { name: 'A customer' }));
    rows.things.set('/v1/records', await post('/v1/records', { type: 'deal', title: 'A deal' }));
    rows.things.set('/v1/inboxes', await rows.inbox(dan));
    rows.things.set('/v1/storage-connections', await rows.storage([owner, dan]));
    return rows;
  }

  /** The resources with rows that a test can make, by name. */
  get resources(): string[] {
    return Object.keys(this.recipes);
  }

  /** @returns the id of a new row */
  async make(resource: string, wanted: Wanted): Promise<string> {
    const special = this.makers[resource];
    if (special) return special(wanted);
    const fields = await this.recipes[resource]!(wanted);
    const route = this.routes.all.find(({ id }) => id === `${resource}.create`)!;
    const example = bodyFor(this.routes, route, this.things) as Json;
    const operation = ALL_OPERATIONS.find(({ id }) => id === route.id)!;
    const api =
      typeof operation.access === 'string' && !BY_OWNER.includes(resource) ? wanted.by.api : this.cast.owner.api;
    return (await api.post(route.path, { ...example, ...fields })).id as string;
  }

  /** The fields of a new row, besides those of the example. */
  fieldsFor(resource: string, wanted: Wanted): Fields {
    return this.recipes[resource]!(wanted);
  }

  /** An inbox and a conversation that only the colleague and managers see. */
  hiddenPlaces(): Promise<[string, string]> {
    const wanted = { by: this.colleague, caller: this.cast.cleo, relation: 'colleague' } as const;
    return Promise.all([this.inboxFor(wanted), this.conversationFor(wanted)]);
  }

  private readonly plain: Recipe = () => ({});
  private readonly shared =
    (yes: Json, no: Json = {}): Recipe =>
    ({ relation }) =>
      relation === 'team' ? yes : no;

  /** Fields of a new row, besides those of the example. */
  private readonly recipes: Record<string, Recipe> = {
    inboxes: ({ relation, by, caller }) =>
      relation === 'team'
        ? { kind: 'shared', name: 'Support', memberIds: [by.id, caller.id] }
        : { kind: 'personal', name: 'Mine' },
    conversations: async (wanted) => ({ inboxId: await this.inboxFor(wanted), contactId: this.contact }),
    messages: this.plain,
    'scheduled-messages': async (wanted) => ({
      ...{ inboxId: await this.inboxFor(wanted), contactIds: [this.contact], at: LATER },
    }),
    'internal-notes': async (wanted) => ({ conversationId: await this.conversationFor(wanted) }),
    'csat-responses': async (wanted) => ({ conversationId: await this.conversationFor(wanted), agentId: wanted.by.id }),
    campaigns: () => ({ at: LATER }),
    'live-chats': ({ by }) => ({ operatorId: by.id }),
    chatbots: this.plain,
    webforms: this.plain,
    'email-templates': this.shared({ visibility: 'shared' }),
    emails: this.shared({ visibility: 'shared' }),
    contacts: this.plain,
    records: this.plain,
    segments: this.plain,
    filters: this.shared({ visibility: 'public' }),
    notes: this.plain,
    comments: this.plain,
    files: this.plain,
    'contact-imports': this.plain,
    'import-sources': () => ({ kind: 'sftp', active: false }),
    numbers: ({ relation, by }) => ({
      e164: `+1416555${String(1_000 + next())}`,
      ...(relation === 'team' ? { kind: 'shared' } : { ownerId: by.id }),
    }),
    calls: this.plain,
    callbacks: this.plain,
    automations: () => ({ trigger: { kind: 'any' } }),
    'assignment-rules': () => ({ userIds: [this.colleague.id] }),
    apps: this.shared({ shared: true }),
    webhooks: this.plain,
    'account-syncs': this.plain,
    'scheduler-links': () => ({ slug: `meet-${next()}` }),
    'storage-connections': this.plain,
    documents: async (wanted) => ({ storageId: await this.storageFor(wanted) }),
    'document-templates': async (wanted) => ({
      storageId: await this.storageFor(wanted),
      grantedUserIds: wanted.relation === 'team' ? [wanted.caller.id] : [],
    }),
    signatures: this.shared({ dealVisibleTo: 'everyone' }, { dealVisibleTo: 'owner-and-managers' }),
    invoices: async ({ by }) => {
      await this.once(`quickbooks ${by.id}`, () => this.storage([by], 'quickbooks'));
      return {};
    },
    dashboards: this.shared({ shared: true }),
    'public-links': async ({ relation, by }) => ({
      dashboardId: (await by.api.post('/v1/dashboards', { name: 'Sales', shared: relation === 'team' })).id,
    }),
    reports: ({ relation, caller }) => ({ sharedWith: relation === 'team' ? [caller.id] : [] }),
    goals: this.plain,
    'insight-filters': () => ({ conditions: [{ field: 'owner', op: 'is', userId: this.colleague.id }] }),
  };

  private readonly makers: Record<string, (wanted: Wanted) => Promise<string>> = {
    messages: async (wanted) => {
      // A contact of its own: other rows remove the conversation with the shared contact.
      const contact = { externalId: `M-${next()}`, name: 'Somebody' };
      const { id: contactId } = await this.cast.owner.api.post('/v1/contacts', contact);
      const body = { inboxId: await this.inboxFor(wanted), contactIds: [contactId], text: 'Hello' };
      const { items } = await wanted.by.api.post<{ items: [{ id: string }] }>('/v1/messages', body);
      return items[0].id;
    },
    'contact-imports': async ({ by }) =>
      (await by.api.upload('/v1/contact-imports', `ContactId,Name\nI-${next()},Somebody`)).id as string,
    calls: async (wanted) => {
      const id = await this.make('numbers', wanted);
      const { e164 } = await this.cast.owner.api.get(`/v1/numbers/${id}`);
      return (await this.cast.owner.api.post('/v1/calls/inbound', { to: e164 })).callId as string;
    },
  };

  private get contact(): string {
    return this.things.get('/v1/contacts')!;
  }

  private once(key: string, make: () => Promise<string>): Promise<string> {
    const made = this.cache.get(key) ?? make();
    this.cache.set(key, made);
    return made;
  }

  /** A user's personal inbox. */
  private inbox = (of: Member) =>
    this.once(
      `inbox ${of.id}`,
      async () => (await of.api.post('/v1/inboxes', { kind: 'personal', name: 'Mine' })).id as string,
    );

  private inboxFor({ relation, by, caller }: Wanted): Promise<string> {
    if (relation !== 'team') return this.inbox(by);
    return this.once(`shared inbox ${caller.id}`, () => this.make('inboxes', { relation, by, caller }));
  }

  private conversationFor(wanted: Wanted): Promise<string> {
    return this.once(`conversation ${wanted.relation} ${wanted.by.id} ${wanted.caller.id}`, () =>
      this.make('conversations', wanted),
    );
  }

  private async storage(users: readonly Member[], provider = 'google-drive'): Promise<string> {
    const body = { provider, userIds: users.map(({ id }) => id) };
    return (await this.cast.owner.api.post('/v1/storage-connections', body)).id as string;
  }

  private storageFor({ relation, by, caller }: Wanted): Promise<string> {
    const users = relation === 'team' ? [by, caller] : [by];
    return this.once(`storage ${users.map(({ id }) => id).join()}`, () => this.storage(users));
  }
}
