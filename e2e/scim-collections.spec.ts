import { readFile } from 'node:fs/promises';
import { PASSWORD } from './support/cast.js';
import { ScimApi } from './support/scim-api.js';
import { entraValidation } from './scim-collections/entra-validation.js';
import { microsoftGarbage } from './scim-collections/microsoft-garbage.js';
import { microsoft } from './scim-collections/microsoft.js';
import { oktaCrud, oktaSpec, oktaSpecOf2016 } from './scim-collections/okta.js';
import { scimVerify } from './scim-collections/scim-verify.js';
import { play } from './scim-collections/step.js';
import { System } from './support/system.js';

const COLLECTIONS = {
  'Okta’s test of the specification': [...oktaSpec, ...oktaSpecOf2016],
  'Okta’s test of changes': oktaCrud,
  'Microsoft’s collection': [...microsoft, ...microsoftGarbage],
  'Microsoft’s validation for Entra': entraValidation,
  'SCIM Verify': scimVerify,
};

let system: System;
beforeAll(async () => {
  system = await System.start();
}, 120_000);
afterAll(() => system?.stop());

/** The provider of a new account. Its owner has no given and family name. */
async function provider(): Promise<ScimApi> {
  const email = `boss@${++accounts}.example`;
  const owner = { name: 'Bea Van Boss', email, password: PASSWORD, staffId: email };
  const opened = await system.api().post('/v1/accounts', { name: 'Collected', preset: 'helpdesk', owner });
  return ScimApi.connect(system, system.api(opened.accessToken as string));
}
let accounts = 0;

describe.each(Object.entries(COLLECTIONS))('%s asks for', (_name, steps) => {
  let scim: ScimApi;
  beforeAll(async () => {
    scim = await provider();
  });
  play(steps, () => scim);
});

it('the documentation names both sources for each difference between a collection and our responses', async () => {
  const text = await readFile(new URL('../docs/scim.md', import.meta.url), 'utf8');
  const table = text.split('## Where authorities disagree')[1] ?? '';
  const named = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, about]) => about!).slice(2);
  const differing = Object.values(COLLECTIONS).flatMap((steps) => steps.flatMap(({ differs }) => differs ?? []));
  expect(named.sort()).toEqual([...new Set(differing)].sort());
});
