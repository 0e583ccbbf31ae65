/** @import { Contact, ContactImport, CrmRecord, Filter, ImportSource, RecordType, Segment, User } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { People } from './account.mjs' */
import { customers } from './accounts.mjs';
import { mapConcurrently, phone, until } from './helpers.mjs';

/**
 * Imports contacts, assigned by staff id: a third to the leaver, most others to colleagues, two to nobody, one to an unknown
 * staff id.
 * @param {People} people
 * @returns {Promise<Contact[]>}
 */
export async function importContacts({ owner, leaver, colleagues, spec }) {
  const unknown = 'no-longer-here';
  /** @param {number} index */
  const staffIdOf = (index) => {
    if (index < 2) return '';
    if (index === 2) return unknown;
    const assignee = index % 3 === 0 ? leaver : colleagues[index % colleagues.length];
    return assignee?.user.staffId;
  };
  const rows = customers.map((name, index) => {
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@example.com`;
    return [`C-${1001 + index}`, name, phone(spec.areaCode, index), email, staffIdOf(index)].join(',');
  });
  const csv = `${['ContactId,Name,Phone,Email,StaffId', ...rows].join('\r\n')}\r\n`;
  /** @type {() => Promise<ContactImport>} */
  const upload = () => owner.api.upload('/v1/contact-imports?userIdField=StaffId', csv);
  // The contacts service receives new users a moment later; another import only adds the missing assignments.
  await until('The assignment of contacts', upload, ({ unmatched }) =>
    unmatched.every(({ value }) => value === unknown),
  );
  return owner.api.all('/v1/contacts');
}

/**
 * Creates data about contacts: records with notes, comments and files, segments, filters and an import source.
 * @param {People} people
 * @param {Contact[]} contacts
 */
export async function createContactData(people, contacts) {
  const [records, segments, filters] = await Promise.all([
    createRecords(people, contacts),
    createSegments(people),
    createFilters(people),
    createImportSource(people),
  ]);
  return { ...records, segments, ...filters };
}

/**
 * @param {People} people
 * @param {Contact[]} contacts
 * @returns the leaver's records, and one deal among them
 */
async function createRecords({ leaver: { api }, colleagues: [colleague], spec }, contacts) {
  const wanted = Object.entries(spec.records).flatMap(([type, titles]) =>
    titles.map((title) => ({ type: /** @type {RecordType} */ (type), title })),
  );
  /** @type {CrmRecord[]} */
  const records = await mapConcurrently(wanted, (record, index) =>
    api.post('/v1/records', { ...record, contactId: contacts[index]?.id }),
  );
  const deal = records.find(({ type }) => type === 'deal');
  if (!deal) throw new Error(`${spec.name} has no deal.`);
  await Promise.all([
    ...spec.notes.map((text, index) => api.post('/v1/notes', { contactId: contacts[index]?.id, text })),
    api.post('/v1/comments', { recordId: deal.id, text: spec.comment }),
    api.post('/v1/files', { recordId: deal.id, name: spec.file }),
    colleague.api.post('/v1/comments', { recordId: deal.id, text: 'I can help with this one.' }),
  ]);
  return { records, deal };
}

/**
 * Segments of the leaver that colleagues use and copy.
 * @param {People} people
 */
async function createSegments({ owner, leaver, colleagues: [first, second], spec }) {
  /** @type {Segment[]} */
  const segments = await mapConcurrently(spec.segments, (name) =>
    leaver.api.post('/v1/segments', { name, definition: { match: 'all', rules: [{ field: 'name', op: 'is-set' }] } }),
  );
  const [used, copied] = segments;
  await Promise.all([
    first.api.post(`/v1/segments/${used?.id}/use`),
    second.api.post(`/v1/segments/${used?.id}/use`),
    first.api.post(`/v1/segments/${copied?.id}/copy`),
    owner.api.post('/v1/segments', { name: 'Everybody', definition: { match: 'all', rules: [] } }),
  ]);
  return segments;
}

/**
 * Filters of the leaver, and one of a colleague that names the leaver.
 * @param {People} people
 */
async function createFilters({ leaver, colleagues: [colleague], spec }) {
  /** @param {User} user */
  const condition = (user) => ({ field: 'assignee', op: 'is', value: user.id });
  /** @type {(api: HttpClient, name: string, visibility: string, conditions: object[]) => Promise<Filter>} */
  const create = (api, name, visibility, conditions) => api.post('/v1/filters', { name, visibility, conditions });
  const [naming] = await Promise.all([
    create(colleague.api, 'With the team lead', 'public', [condition(leaver.user)]),
    ...spec.filters.private.map((name) => create(leaver.api, name, 'private', [condition(leaver.user)])),
    ...spec.filters.public.map((name) =>
      create(leaver.api, name, 'public', [{ field: 'email', op: 'contains', value: 'example.com' }]),
    ),
  ]);
  return { naming };
}

/**
 * A folder of the leaver on a server that does not exist, so it is not polled.
 * @param {People} people
 * @returns {Promise<ImportSource>}
 */
function createImportSource({ leaver: { api }, spec: { domain } }) {
  const login = { kind: 'sftp', host: `files.${domain}`, username: 'export', password: 'of the demo' };
  return api.post('/v1/import-sources', { ...login, path: 'contacts', active: false });
}
