import { randomInt } from 'node:crypto';
import { customers } from './demo-accounts.mjs';
import { several, until } from './demo-api.mjs';

/** The reserved lines 555-0100 to 555-0199 of an area code. */
const LINES = 100;

/**
 * Gives the account its data: most of it the leaver's, some of colleagues, so that one can see what stays untouched.
 * @returns what a demo looks at again later
 */
export async function fillAccount(people) {
  const contacts = await importContacts(people);
  const [talks, numbers, automations, pages] = await Promise.all([
    converse(people, contacts),
    giveNumbers(people),
    automate(people),
    showFigures(people),
    shareSegments(people),
    integrate(people),
  ]);
  return { contacts, ...talks, ...numbers, ...automations, ...pages };
}

/** Assigned by staff id: a good part to the leaver, the rest to colleagues in turn, two to nobody, one to a stranger. */
async function importContacts({ owner, leaver, colleagues, spec }) {
  const stranger = 'no-longer-here';
  const staffIdOf = (index) => {
    if (index < 2) return '';
    if (index === 2) return stranger;
    return index % 3 === 0 ? leaver.user.staffId : colleagues[index % colleagues.length].user.staffId;
  };
  const rows = customers.map((name, index) => {
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@example.com`;
    return [`C-${1001 + index}`, name, phone(spec.areaCode, index), email, staffIdOf(index)].join(',');
  });
  const csv = `${['ContactId,Name,Phone,Email,StaffId', ...rows].join('\r\n')}\r\n`;
  // The contacts service hears of new people a moment after they are there; importing again changes nothing but that.
  await until(
    'The assignment of contacts',
    () => owner.api.upload('/v1/contact-imports?userIdField=StaffId', csv),
    ({ unmatched }) => unmatched.every(({ value }) => value === stranger),
  );
  return owner.api.all('/v1/contacts');
}

async function shareSegments({ owner, leaver, colleagues, spec }) {
  const segments = await several(spec.segments, (name) =>
    leaver.api.post('/v1/segments', { name, definition: { match: 'all', rules: [{ field: 'name', op: 'is-set' }] } }),
  );
  const [first, second] = colleagues;
  await Promise.all([
    first.api.post(`/v1/segments/${segments[0].id}/use`),
    second.api.post(`/v1/segments/${segments[0].id}/use`),
    first.api.post(`/v1/segments/${segments[1].id}/copy`),
    owner.api.post('/v1/segments', { name: 'Everybody', definition: { match: 'all', rules: [] } }),
  ]);
}

/** Conversations of the leaver are open, snoozed and closed; chats are with the leaver, a colleague and in the queue. */
async function converse({ owner, leaver, colleagues, spec }, contacts) {
  const me = leaver.user.id;
  const [colleague] = colleagues;
  const memberIds = [me, colleague.user.id, colleagues[1].user.id];
  const [inbox, ...others] = await several(spec.inboxes, (name) =>
    owner.api.post('/v1/inboxes', { kind: 'shared', name, memberIds }),
  );
  const own = await leaver.api.post('/v1/inboxes', { kind: 'personal', name: `${leaver.user.name}, direct` });
  const open = (index, assignee, status = 'open', inboxId = inbox.id) =>
    owner.api.post('/v1/conversations', { contactId: contacts[index].id, inboxId, assignee, status });
  const [liveChats, conversations] = await Promise.all([
    several(spec.visitors, (visitor) => leaver.api.post('/v1/live-chats', { visitor, operatorId: me })),
    Promise.all([
      ...[0, 1, 2, 3].map((index) => open(index, me)),
      open(4, me, 'open', own.id),
      ...[5, 6].map((index) => open(index, me, 'snoozed')),
      ...[7, 8, 9].map((index) => open(index, me, 'closed')),
    ]),
    ...[10, 11].map((index) => open(index, colleague.user.id, 'open', others[0]?.id)),
    open(12, null),
    owner.api.post('/v1/live-chats', { visitor: 'Waiting in the queue' }),
    owner.api.post('/v1/live-chats', { visitor: 'With a colleague', operatorId: colleague.user.id }),
  ]);
  const notes = await several(spec.notes, (text, index) =>
    leaver.api.post('/v1/internal-notes', { conversationId: conversations[index].id, text }),
  );
  return { liveChats, conversations, notes };
}

/** Two personal numbers of the leaver, one of a colleague that the leaver answers, and a colleague's own. */
async function giveNumbers({ owner, leaver, colleagues, spec }) {
  const me = leaver.user.id;
  const [first, second] = colleagues.map(({ user }) => user.id);
  const wanted = [
    { ownerId: me },
    { ownerId: me },
    { ownerId: first, destinationUserId: me },
    { kind: 'shared', destinationUserId: me },
    { ownerId: second },
  ];
  const from = randomInt(LINES);
  const numbers = [];
  for (const [index, number] of wanted.entries()) {
    numbers.push(await freeNumber(owner.api, spec.areaCode, from + index * 7, number));
  }
  return { numbers };
}

/** A number belongs to one account of the whole system: where a line is taken, the next one will do. */
async function freeNumber(api, areaCode, from, number) {
  for (let line = from; line < from + LINES; line += 1) {
    const e164 = phone(areaCode, line % LINES);
    try {
      return await api.post('/v1/numbers', { ...number, e164 });
    } catch (error) {
      if (error.code !== 'conflict') throw error;
    }
  }
  throw new Error(`All demo numbers of area code ${areaCode} are taken.`);
}

async function automate({ owner, leaver, colleagues, spec }) {
  const any = { kind: 'any' };
  const userIds = [leaver, ...colleagues.slice(0, 2)].map(({ user }) => user.id);
  const [automations, selected] = await Promise.all([
    several(spec.automations, (name) => leaver.api.post('/v1/automations', { name, trigger: any })),
    owner.api.post('/v1/automations', { name: spec.selected, trigger: { kind: 'selected', userIds } }),
    colleagues[0].api.post('/v1/automations', { name: 'Tidy up on Fridays', trigger: any }),
  ]);
  return { automations, selected };
}

/** No hook is ever called by itself: `hooks.example.com` answers nobody. */
async function integrate({ owner, leaver, colleagues, spec }) {
  const { own, shared, others } = spec.apps;
  const install = (api, appId, isShared) => api.post('/v1/apps', { appId, shared: isShared });
  await Promise.all([
    ...own.map((appId) => install(leaver.api, appId, false)),
    ...shared.map((appId, index) => install(index === 0 ? leaver.api : owner.api, appId, true)),
    install(colleagues[0].api, others, false),
    ...spec.webhooks.map((event) =>
      leaver.api.post('/v1/webhooks', { url: `https://hooks.example.com/${event}`, events: [event] }),
    ),
    colleagues[0].api.post('/v1/webhooks', { url: 'https://hooks.example.com/colleague', events: ['*'] }),
  ]);
}

async function showFigures({ leaver, colleagues, spec }) {
  const dashboard = (api, name, shared) =>
    api.post('/v1/dashboards', { name, shared, layout: { tiles: [{ chart: 'bar', of: name }] } });
  const [dashboards] = await Promise.all([
    several(spec.dashboards.shared, (name) => dashboard(leaver.api, name, true)),
    several(spec.dashboards.private, (name) => dashboard(leaver.api, name, false)),
    dashboard(colleagues[0].api, spec.dashboards.others, true),
  ]);
  const publicLinks = await several(dashboards, ({ id }) => leaver.api.post('/v1/public-links', { dashboardId: id }));
  return { dashboards, publicLinks };
}

const phone = (areaCode, line) => `+1${areaCode}55501${String(line).padStart(2, '0')}`;
