import { eventually } from '#libs/test-kit';
import type { Api, Json } from './api.js';
import { contactsCsv, type Cast, type Member } from './cast.js';
import { ENTERPRISE, ScimApi } from './scim-api.js';
import type { System } from './system.js';

interface Spelling {
  name: string;
  email: string;
  staffId: string;
  /** How colleagues write the address. */
  written: string;
}

const created: Spelling = {
  name: 'Xenobia Former',
  email: 'İpekxq@former.example',
  staffId: 'XQ former 1',
  written: 'i\u0307PEKXQ@former.example',
};
const changed: Spelling = {
  name: 'Xenobia Middle',
  email: 'ΝΙΚΟΣXQ.ΝΙΚΟΣ@middle.example',
  staffId: 'XQ former 2',
  written: 'νικοςxq.νικος@MIDDLE.example',
};
const provisioned: Spelling = {
  name: 'Xenobia Provisioned',
  email: 'straßexq@scim.example',
  staffId: 'XQ former 3',
  written: 'STRASSEXQ@scim.example',
};
const transferred: Spelling = {
  name: 'Xavieria Successor',
  email: 'xavieria@transferred.example',
  staffId: 'XQ former 4',
  written: 'Xavieria@Transferred.example',
};
const latest: Spelling = {
  name: 'Xavieria Latest',
  email: 'ΜΑΡΙΟΣ@latest.example',
  staffId: 'XQ latest',
  written: 'μαριος@latest.example',
};
const SPELLINGS = [created, changed, provisioned, transferred, latest];
const USER_NAMES = ['xq-directory-1', 'xq-directory-2@sso.example'];

/** Everything that the two persons are called, for a search. */
export const SPELLED = [
  ...SPELLINGS.flatMap(({ name, email, staffId, written }) => [name, email, staffId, written]),
  ...USER_NAMES,
  'Xenobia',
  'Xavieria',
];

/**
 * Creates a user whose identifiers change by REST, by SCIM and by a transfer to another person, and who is named by each of
 * them in the data of the account.
 * @returns the user's id, and the paths of the chatbots and web forms that write to the user
 */
export async function aRenamedPerson(system: System, { owner }: Cast): Promise<{ id: string; mentions: string[] }> {
  const { api } = owner;
  const id = await rename(system, api);
  const mentions: string[] = [];
  for (const email of [...SPELLINGS.map(({ written }) => written), ...USER_NAMES.filter((one) => one.includes('@'))])
    for (const path of ['/v1/chatbots', '/v1/webforms'])
      mentions.push(`${path}/${(await api.post(path, { name: 'Adviser', email })).id as string}`);
  const values = [...SPELLINGS.flatMap(({ name, staffId, written }) => [name, staffId, written]), ...USER_NAMES];
  await eventually(async () => expect((await importFor(api, values)).unmatched).toHaveLength(values.length - 1));
  return { id, mentions };
}

async function rename(system: System, api: Api): Promise<string> {
  const profileOf = ({ name, email, staffId }: Spelling) => ({ name, email, staffId });
  const { id } = await api.post<{ id: string }>('/v1/users', profileOf(created));
  await api.patch(`/v1/users/${id}`, profileOf(changed));
  const scim = await ScimApi.connect(system, api);
  for (const userName of USER_NAMES) await scim.patch(`/Users/${id}`, [{ op: 'replace', value: { userName } }]);
  await scim.patch(`/Users/${id}`, [
    { op: 'replace', path: 'displayName', value: provisioned.name },
    { op: 'replace', path: 'emails[type eq "work"].value', value: provisioned.email },
    { op: 'replace', path: `${ENTERPRISE}:employeeNumber`, value: provisioned.staffId },
  ]);
  expect(await api.get(`/v1/users/${id}`)).toMatchObject(profileOf(provisioned));
  await api.post(`/v1/users/${id}/transfer`, profileOf(transferred));
  expect(await api.patch(`/v1/users/${id}`, profileOf(latest))).toMatchObject(profileOf(latest));
  return id;
}

/** An import of contacts that takes these values for staff ids. */
const importFor = (api: Api, values: readonly string[]) =>
  api.upload<{ unmatched: Json[] }>(
    '/v1/contact-imports',
    contactsCsv(
      values.map((staffId) => ({ staffId }) as Member),
      values.length,
    ),
  );
