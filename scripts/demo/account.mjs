import { mapConcurrently } from './helpers.mjs';
import { fillAccount } from './contents.mjs';

export const DEMO_PASSWORD = 'leaver-demo-2026';

const DEVICES = ['Office laptop (Firefox)', 'Phone (app)', 'Tablet at home (Safari)'];

/** `Tomás Rivera` at `harborpine.example.com`: `tomas.rivera@harborpine.example.com`. */
export function addressOf(name, domain) {
  const plain = name
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replace(/[^\p{L}\p{N} ]/gu, '')
    .toLowerCase();
  return `${plain.trim().replaceAll(/ +/g, '.')}@${domain}`;
}

/**
 * Opens an account, with its people at work: signed in, and with something of everything that a rule speaks of.
 * The owner can't sign in by the address of the demo before everything is there: what broke off is never taken for whole.
 * @param api of nobody
 * @param spec one of `demoAccounts`
 * @returns `{ account, owner, leaver, colleagues, things }`; each person is `{ user, email, api }`
 */
export async function openAccount(api, spec, onProgress = () => undefined) {
  const ownerEmail = addressOf(spec.owner.name, spec.domain);
  const opened = await api.post('/v1/accounts', {
    name: spec.name,
    preset: spec.preset,
    owner: { ...spec.owner, email: `setting.up@${spec.domain}`, password: DEMO_PASSWORD },
  });
  const owner = { user: opened.user, email: ownerEmail, api: api.withToken(opened.accessToken) };
  const teams = await mapConcurrently(spec.teams, (name) => owner.api.post('/v1/teams', { name }));
  const people = [];
  for (const person of spec.people) {
    people.push(await employ({ owner, person, spec, teams, accountId: opened.account.id }));
    onProgress(person.name);
  }
  const [leaver, ...colleagues] = people;
  await settleIn({ owner, leaver, colleagues, spec, accountId: opened.account.id });
  const things = await fillAccount({ owner, leaver, colleagues, spec });
  owner.user = await owner.api.patch(`/v1/users/${opened.user.id}`, { email: ownerEmail });
  return { account: opened.account, owner, leaver, colleagues, things };
}

async function employ({ owner, person, spec, teams, accountId }) {
  const email = addressOf(person.name, spec.domain);
  const user = await owner.api.post('/v1/users', {
    name: person.name,
    staffId: person.staffId,
    email,
    password: DEMO_PASSWORD,
    roles: person.roles ?? ['agent'],
    teamIds: person.teams.map((index) => teams[index].id),
  });
  return { user, email, ...(await signIn(owner.api, { email, accountId })) };
}

/** @returns `{ api, refreshToken }` of a new session */
export async function signIn(api, { email, accountId, password = DEMO_PASSWORD }, device = DEVICES[0]) {
  const login = api.withToken(undefined).withUserAgent(device);
  const { accessToken, refreshToken } = await login.post('/v1/auth/login', { email, password, accountId });
  return { api: api.withToken(accessToken), refreshToken };
}

/** What identity itself keeps of the leaver: more sessions, API tokens, an invitation, care given and taken. */
async function settleIn({ owner, leaver, colleagues, spec, accountId }) {
  const absent = colleagues.at(-1).user;
  const { invited } = spec;
  const [invitation, apiToken] = await Promise.all([
    leaver.api.post('/v1/users', { ...invited, email: addressOf(invited.name, spec.domain) }),
    leaver.api.post('/v1/me/api-tokens', { name: 'Nightly export' }),
    leaver.api.post('/v1/me/api-tokens', { name: 'Spreadsheet add-in' }),
    owner.api.put(`/v1/users/${absent.id}/caretaker`, { caretakerId: leaver.user.id }),
    owner.api.put(`/v1/users/${leaver.user.id}/caretaker`, { caretakerId: absent.id }),
    ...DEVICES.slice(1).map((device) => signIn(owner.api, { email: leaver.email, accountId }, device)),
  ]);
  leaver.apiToken = apiToken.token;
  leaver.invitation = invitation.invitation.token;
}
