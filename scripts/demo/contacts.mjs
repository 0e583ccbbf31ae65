import { customers } from './accounts.mjs';
import { mapConcurrently, phone, until } from './helpers.mjs';

/** Assigned by staff id: a good part to the leaver, the rest to colleagues in turn, two to nobody, one to a stranger. */
export async function importContacts({ owner, leaver, colleagues, spec }) {
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

/** What hangs on the contacts: records with what is written about them, segments and filters. */
export async function fileAway(people, contacts) {
  const [records, segments, filters] = await Promise.all([
    work(people, contacts),
    shareSegments(people),
    giveFilters(people),
  ]);
  return { records, segments, ...filters };
}

/** @returns the leaver's records by type */
async function work({ leaver, colleagues, spec }, contacts) {
  const wanted = Object.entries(spec.records).flatMap(([type, titles]) => titles.map((title) => ({ type, title })));
  const records = await mapConcurrently(wanted, (record, index) =>
    leaver.api.post('/v1/records', { ...record, contactId: contacts[index].id }),
  );
  const byType = Object.groupBy(records, ({ type }) => type);
  const [deal] = byType.deal;
  await Promise.all([
    ...spec.notes.map((text, index) => leaver.api.post('/v1/notes', { contactId: contacts[index].id, text })),
    leaver.api.post('/v1/comments', { recordId: deal.id, text: spec.comment }),
    leaver.api.post('/v1/files', { recordId: deal.id, name: spec.file }),
    colleagues[0].api.post('/v1/comments', { recordId: deal.id, text: 'I can help with this one.' }),
  ]);
  return byType;
}

async function shareSegments({ owner, leaver, colleagues, spec }) {
  const segments = await mapConcurrently(spec.segments, (name) =>
    leaver.api.post('/v1/segments', { name, definition: { match: 'all', rules: [{ field: 'name', op: 'is-set' }] } }),
  );
  const [first, second] = colleagues;
  await Promise.all([
    first.api.post(`/v1/segments/${segments[0].id}/use`),
    second.api.post(`/v1/segments/${segments[0].id}/use`),
    first.api.post(`/v1/segments/${segments[1].id}/copy`),
    owner.api.post('/v1/segments', { name: 'Everybody', definition: { match: 'all', rules: [] } }),
  ]);
  return segments;
}

/** One filter of a colleague's names the leaver. */
async function giveFilters({ leaver, colleagues: [colleague], spec }) {
  const condition = (user) => ({ field: 'assignee', op: 'is', value: user.id });
  const filter = (api, name, visibility, conditions) => api.post('/v1/filters', { name, visibility, conditions });
  const [naming, privateFilters] = await Promise.all([
    filter(colleague.api, 'With the team lead', 'public', [condition(leaver.user)]),
    mapConcurrently(spec.filters.private, (name) => filter(leaver.api, name, 'private', [condition(leaver.user)])),
    ...spec.filters.public.map((name) =>
      filter(leaver.api, name, 'public', [{ field: 'email', op: 'contains', value: 'example.com' }]),
    ),
  ]);
  return { naming, privateFilters };
}
