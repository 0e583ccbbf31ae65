import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { Listener } from './support/observers/listener.js';
import { ScimApi } from './support/scim-api.js';
import { System } from './support/system.js';

let system: System;
let listener: Listener;
let cast: Cast;
let scim: ScimApi;
beforeAll(async () => {
  system = await System.start();
  listener = await Listener.on(system);
  cast = await anAccount(system, 'crm');
  scim = await ScimApi.connect(system, cast.owner.api);
}, 120_000);
afterAll(async () => {
  await listener?.stop();
  await system?.stop();
}, 30_000);

const api = () => system.api();
const accept = (token: string) => api().post('/v1/invitations/accept', { token, password: PASSWORD });
const refusal = (call: Promise<unknown>) => api().refusal(call);

const WAYS: [string, (id: string, email: string) => Promise<unknown>][] = [
  ['the API', (id, email) => cast.owner.api.patch(`/v1/users/${id}`, { email })],
  [
    'the identity provider',
    (id, value) => scim.patch(`/Users/${id}`, [{ op: 'replace', path: 'emails[type eq "work"].value', value }]),
  ],
];

describe.each(WAYS)('an address that %s corrects', (_, correct) => {
  const addresses = (name: string) => [`${name}@wrong.example`, `${name}@right.example`] as const;

  it('leaves the mailbox of the wrong one without access, and invites the right one', async () => {
    const [wrong, right] = addresses(`ina${WAYS.findIndex(([, way]) => way === correct)}`);
    const user = await cast.owner.api.post('/v1/users', {
      name: 'Ina',
      email: wrong,
      staffId: wrong,
      roles: ['admin'],
    });
    const sent = await listener.mailedTo(wrong);
    await correct(user.id as string, right);
    expect(await refusal(accept(sent))).toMatchObject({ status: 410, code: 'gone' });
    expect(await accept(await listener.mailedTo(right))).toMatchObject({ user: { id: user.id, email: right } });
  });

  it('ends the reset token that was sent to the wrong one', async () => {
    const [wrong, right] = addresses(`rob${WAYS.findIndex(([, way]) => way === correct)}`);
    const rob = { name: 'Rob', email: wrong, staffId: wrong, password: PASSWORD, roles: ['admin'] };
    const { id } = await cast.owner.api.post('/v1/users', rob);
    await api().post('/v1/auth/password-reset', { email: wrong });
    const token = await listener.mailedTo(wrong);
    await correct(id as string, right);
    const taken = api().post('/v1/auth/password-reset/confirm', { token, password: 'chosen by a stranger' });
    expect(await refusal(taken)).toMatchObject({ status: 410, code: 'gone' });
    expect(await signIn(system, right)).toBeDefined();
  });
});
