import { SCOPES } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import type { Api, Json } from './api.js';
import type { Cast, Member } from './cast.js';
import { oneOfEach } from './one-of-each.js';
import type { Routes } from '../security/routes.js';

/** The leaver, with all personal details that the system knows. */
export interface Stranger extends Member {
  given: string;
  family: string;
  /** The leaver's number, and one that rings at the leaver. Numbers are unique in the system. */
  numbers?: readonly [own: string, routed: string];
}

export interface Everything {
  personalInbox: string;
  numberId: string;
  e164: string;
  meetingPage: string;
  chatbotId: string;
  webformId: string;
}

const create = async (api: Api, path: string, body: unknown) => (await api.post(path, body)).id as string;
const inDays = (days: number, now: number) => new Date(now + days * 86_400_000).toISOString();

interface Scene extends Cast {
  leaver: Stranger;
  now: number;
  contacts: string[];
}

/** Creates rows of every rule for the leaver, most of them as the leaver. */
export async function everythingOf(cast: Cast, leaver: Stranger, now: number, routes: Routes): Promise<Everything> {
  const contacts = (await leaver.api.all<{ id: string }>('/v1/contacts')).map(({ id }) => id);
  const scene = { ...cast, leaver, now, contacts };
  const dealId = await contactRows(scene);
  await accessAndCare(scene);
  const messaging = await conversations(scene);
  await paperwork(scene, dealId);
  await figures(scene);
  const created = { ...messaging, ...(await calls(scene)), ...(await connections(scene)) };
  await oneOfEach(routes, leaver.api);
  return created;
}

/** @returns the id of the leaver's deal */
async function contactRows({ leaver, ben, contacts: [contactId] }: Scene): Promise<string> {
  const { api, id } = leaver;
  const types = ['lead', 'deal', 'product', 'activity', 'project', 'task'];
  const [, dealId] = await Promise.all(
    types.map((type) => create(api, '/v1/records', { type, title: `A ${type}`, contactId })),
  );
  const conditions = [{ field: 'assignee', op: 'is', value: id }];
  const segment = await create(api, '/v1/segments', { name: 'Freshmen', definition: { match: 'all', rules: [] } });
  await ben.api.post(`/v1/segments/${segment}/use`);
  await create(api, '/v1/filters', { name: 'Everybody', visibility: 'public', conditions: [] });
  await create(api, '/v1/filters', { name: 'Mine', visibility: 'private', conditions });
  await create(ben.api, '/v1/filters', { name: 'Of a colleague', visibility: 'public', conditions });
  const login = { kind: 'sftp', host: 'files.example.com', username: 'export', password: 'of the folder' };
  await create(api, '/v1/import-sources', { ...login, active: false });
  await create(api, '/v1/notes', { contactId, text: 'Call back on Monday' });
  await create(api, '/v1/comments', { recordId: dealId, text: 'In two parts' });
  await create(api, '/v1/files', { recordId: dealId, name: 'prices.pdf' });
  return dealId!;
}

async function accessAndCare({ leaver, ben, cleo, dan, owner, now }: Scene): Promise<void> {
  const { api, id } = leaver;
  await create(api, '/v1/me/api-tokens', { name: 'Nightly export', scopes: SCOPES });
  await create(api, '/v1/users', { name: 'Ina Newcomer', email: 'ina@newcomers.example', staffId: 'New 1' });
  await api.post(`/v1/users/${ben.id}/deactivate`, { effectiveAt: inDays(400, now) });
  await owner.api.put(`/v1/users/${cleo.id}/caretaker`, { caretakerId: id });
  await owner.api.put(`/v1/users/${id}/caretaker`, { caretakerId: dan.id });
  await owner.api.patch(`/v1/users/${cleo.id}`, { managerId: id });
  await owner.api.patch(`/v1/users/${id}`, { managerId: dan.id });
}

async function conversations(scene: Scene) {
  const { leaver, cleo, now, contacts } = scene;
  const { api, id, name, email } = leaver;
  const [contactId] = contacts;
  const inboxId = await create(api, '/v1/inboxes', { kind: 'shared', name: 'Support', memberIds: [id, cleo.id] });
  const personalInbox = await create(api, '/v1/inboxes', { kind: 'personal', name: `${name}'s inbox` });
  const thread = (status: string) => create(api, '/v1/conversations', { contactId, inboxId, assignee: id, status });
  const conversationId = await thread('open');
  const closed = await thread('closed');
  await create(api, '/v1/conversations', { contactId, inboxId: personalInbox, assignee: id, status: 'snoozed' });
  await create(api, '/v1/internal-notes', { conversationId, text: 'Prefers the telephone' });
  await create(api, '/v1/csat-responses', { conversationId: closed, score: 5, comment: 'Quick' });
  await create(api, '/v1/live-chats', { visitor: 'A visitor', operatorId: id });
  await api.post('/v1/messages', { inboxId: personalInbox, contactIds: [contactId], text: 'Hello' });
  await eventually(async () => {
    const { items } = await api.get<{ items: Json[] }>(`/v1/messages?inboxId=${personalInbox}`);
    expect(items).toMatchObject([{ status: 'delivered' }]);
  });
  const later = { contactIds: [contactId], text: 'Later', at: inDays(60, now) };
  await create(api, '/v1/scheduled-messages', { ...later, inboxId: personalInbox });
  await create(api, '/v1/scheduled-messages', { ...later, inboxId });
  await create(api, '/v1/campaigns', { name: 'Spring', text: 'Reply STOP', at: inDays(60, now), inboxId });
  const chatbotId = await create(api, '/v1/chatbots', { name: 'Adviser', email: email.toUpperCase() });
  const webformId = await create(api, '/v1/webforms', { name: 'Ask us', email });
  for (const visibility of ['shared', 'private']) {
    await create(api, '/v1/email-templates', { name: 'Offer', subject: 'Offer', body: 'Dear all', visibility });
    await create(api, '/v1/emails', { recordId: contactId, subject: 'Terms', body: 'As agreed', visibility });
  }
  return { personalInbox, chatbotId, webformId };
}

async function calls({ leaver, cleo, now, contacts: [contactId] }: Scene) {
  const { api, id } = leaver;
  const [e164, routed] = leaver.numbers ?? ['+14155550142', '+14155550143'];
  const numberId = await create(api, '/v1/numbers', { e164, ownerId: id });
  await create(api, '/v1/numbers', { e164: routed, ownerId: cleo.id, destinationUserId: id });
  await api.post('/v1/calls/inbound', { to: e164, from: '+14155550199' });
  await api.post('/v1/calls/outbound', { numberId, to: '+14155550198' });
  await create(api, '/v1/callbacks', { contactId, dueAt: inDays(1, now) });
  return { numberId, e164 };
}

async function connections({ leaver, ben, cleo }: Scene) {
  const { api, id, name, given, family } = leaver;
  await create(api, '/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
  await create(ben.api, '/v1/automations', {
    name: 'At weekends',
    trigger: { kind: 'selected', userIds: [id, ben.id] },
  });
  await create(ben.api, '/v1/automations', { name: 'For anybody', trigger: { kind: 'any' } });
  await create(ben.api, '/v1/assignment-rules', { name: 'In turn', userIds: [id, cleo.id] });
  await create(api, '/v1/webhooks', { url: 'https://hooks.example.com/leaver', events: ['app.installed'] });
  await create(api, '/v1/apps', { appId: 'calendar', shared: false });
  await create(api, '/v1/apps', { appId: 'dialer', shared: true });
  for (const kind of ['email', 'contact', 'calendar', 'drive'])
    await create(api, '/v1/account-syncs', { kind, provider: 'google', grant: `a grant of ${name}` });
  const slug = `${given}-${family}`.toLowerCase();
  await create(api, '/v1/scheduler-links', { slug, title: `Meet ${name}` });
  return { meetingPage: `/m/${slug}` };
}

async function paperwork({ leaver: { api } }: Scene, dealId: string): Promise<void> {
  const storageId = await create(api, '/v1/storage-connections', { provider: 'google-drive' });
  await create(api, '/v1/storage-connections', { provider: 'quickbooks' });
  const documentId = await create(api, '/v1/documents', { title: 'Contract', storageId, dealId });
  await create(api, '/v1/document-templates', { title: 'Agreement', storageId });
  await create(api, '/v1/signatures', { documentId, dealId, title: 'Contract' });
  await create(api, '/v1/invoices', { number: 'QB-1', amount: 12.5, currency: 'USD' });
}

async function figures({ leaver: { api, id }, ben }: Scene): Promise<void> {
  const dashboardId = await create(api, '/v1/dashboards', { name: 'Pipeline', shared: true });
  await create(api, '/v1/dashboards', { name: 'My numbers', shared: false });
  await create(api, '/v1/public-links', { dashboardId });
  await create(api, '/v1/reports', { name: 'Quarter', sharedWith: [ben.id] });
  await create(ben.api, '/v1/goals', { name: 'Forty', target: 40, participantIds: [id, ben.id] });
  const conditions = [{ field: 'owner', op: 'is', userId: id }];
  await create(ben.api, '/v1/insight-filters', { name: 'One of us', conditions });
}
