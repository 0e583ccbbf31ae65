import { eventually } from '#libs/test-kit';
import type { Api, Json } from './api.js';

/** Access to the API of a system, which runs in one process or in several. */
export interface Place {
  url: string;
  api(token?: string): Api;
}

export const PASSWORD = 'correct horse battery';

export interface Member {
  id: string;
  name: string;
  email: string;
  staffId: string;
  api: Api;
}

export interface Cast {
  owner: Member;
  /** The leaver. */
  ada: Member;
  ben: Member;
  cleo: Member;
  dan: Member;
  teamId: string;
}

let accounts = 0;

/** An account with an owner, two admins and two agents, all signed in. */
export async function anAccount(system: Place, preset: string): Promise<Cast> {
  const domain = `${preset}-${process.pid}-${++accounts}.example`;
  const person = (name: string) => ({
    name: `${name} Of${preset}`,
    email: `${name.toLowerCase()}@${domain}`,
    password: PASSWORD,
    staffId: `ID ${name} ${domain}`,
  });
  const owner = person('Olga');
  const opened = await system.api().post('/v1/accounts', { name: `The ${preset} company`, preset, owner });
  const asOwner = system.api(opened.accessToken as string);
  const team = await asOwner.post('/v1/teams', { name: 'Front desk' });
  const join = async (name: string, role: string): Promise<Member> => {
    const { password: _password, ...who } = person(name);
    const user = await asOwner.post('/v1/users', { ...who, password: PASSWORD, roles: [role], teamIds: [team.id] });
    return { ...who, id: user.id as string, api: await signIn(system, who.email) };
  };
  return {
    owner: { ...owner, id: (opened.user as Json).id as string, api: asOwner },
    ada: await join('Ada', 'admin'),
    ben: await join('Ben', 'admin'),
    cleo: await join('Cleo', 'agent'),
    dan: await join('Dan', 'agent'),
    teamId: team.id as string,
  };
}

export async function signIn(system: Place, email: string, password = PASSWORD): Promise<Api> {
  const { accessToken } = await system.api().post('/v1/auth/login', { email, password });
  return system.api(accessToken as string);
}

export const CONTACTS = 10_000;

/** A CSV file of contacts, assigned to the given users in turn. */
export function contactsCsv(people: readonly Member[], count = CONTACTS): string {
  const rows = Array.from({ length: count }, (_, n) => {
    const phone = `+1415${String(5_000_000 + n)}`;
    return `C-${n},Contact ${n},${phone},c${n}@customers.example,${people[n % people.length]!.staffId}`;
  });
  return ['ContactId,Name,Phone,Email,StaffId', ...rows].join('\n');
}

export interface Belongings {
  chats: string[];
  conversations: Record<'open' | 'snoozed' | 'closed', string>;
  notes: string[];
  number: string;
  e164: string;
  automation: string;
  app: string;
  sharedApp: string;
  bensSharedApp: string;
  webhook: string;
  sharedDashboard: string;
  privateDashboard: string;
  publicUrl: string;
  segment: string;
  personalInbox: string;
}

/** Creates rows of many kinds for Ada. */
export async function belongings({ ada, ben, cleo }: Cast, index: number): Promise<Belongings> {
  const { api, id } = ada;
  const create = async (path: string, body: Json, as = api) => (await as.post(path, body)).id as string;
  const chat = () => create('/v1/live-chats', { visitor: 'A visitor', operatorId: id });
  const [contact] = (await api.get('/v1/contacts?limit=1')).items as Json[];
  const inboxId = await create('/v1/inboxes', { kind: 'shared', name: 'Support', memberIds: [id, cleo.id] });
  const conversation = (status: string) =>
    create('/v1/conversations', { contactId: contact!.id, inboxId, assignee: id, status });
  const conversations = {
    open: await conversation('open'),
    snoozed: await conversation('snoozed'),
    closed: await conversation('closed'),
  };
  const personalInbox = await create('/v1/inboxes', { kind: 'personal', name: 'Ada' });
  await api.post('/v1/messages', { inboxId: personalInbox, contactIds: [contact!.id], text: 'Hello' });
  // Each step of sending adds a row to the report. The preview has to count all of them.
  await eventually(async () => {
    const { items } = await api.get<{ items: Json[] }>(`/v1/messages?inboxId=${personalInbox}`);
    expect(items).toMatchObject([{ status: 'delivered' }]);
  });
  const e164 = `+1415555${String(1000 + index)}`;
  const sharedDashboard = await create('/v1/dashboards', { name: 'Team pipeline', shared: true });
  const link = await api.post('/v1/public-links', { dashboardId: sharedDashboard });
  const segment = await create('/v1/segments', { name: 'Freshmen', definition: { grade: 9 } });
  await cleo.api.post(`/v1/segments/${segment}/copy`);
  return {
    chats: [await chat(), await chat(), await chat()],
    conversations,
    notes: [
      await create('/v1/internal-notes', { conversationId: conversations.open, text: 'Call back on Monday' }),
      await create('/v1/internal-notes', { conversationId: conversations.closed, text: 'Solved' }),
    ],
    number: await create('/v1/numbers', { e164, kind: 'personal', ownerId: id }),
    e164,
    automation: await create('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } }),
    app: await create('/v1/apps', { appId: 'calendar', shared: false }),
    sharedApp: await create('/v1/apps', { appId: 'dialer', shared: true }),
    bensSharedApp: await create('/v1/apps', { appId: 'maps', shared: true }, ben.api),
    webhook: await create('/v1/webhooks', { url: 'https://hooks.example.com/leaver', events: ['contact.created'] }),
    sharedDashboard,
    privateDashboard: await create('/v1/dashboards', { name: 'My numbers', shared: false }),
    publicUrl: link.url as string,
    segment,
    personalInbox,
  };
}
