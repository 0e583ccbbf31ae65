import { beginSso, finishSso } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { outcomeOf, ownerOf, type TestIdentity } from '../../testing/identity.js';
import { OpenIdProvider, SiteBrowser } from '../../testing/openid-provider.js';
import { ORIGIN, SingleSignOn } from '../../testing/single-sign-on.js';

let sso: SingleSignOn;
let identity: TestIdentity;

beforeAll(async () => {
  sso = await SingleSignOn.start();
  ({ identity } = sso);
  await sso.anAccount(null, 100);
});
afterAll(() => sso?.stop());

describe('a wrong answer', () => {
  let person: ReturnType<SingleSignOn['aPerson']>;
  beforeEach(async () => {
    person = sso.aPerson();
    await identity.aPerson(sso.owner, { email: person.email });
    sso.provider.person = person;
  });

  const now = () => Math.floor(Date.now() / 1_000);
  it.each([
    ['another nonce', () => ({ nonce: 'another' })],
    ['no nonce', () => ({ nonce: undefined })],
    ['another issuer', () => ({ iss: 'https://accounts.example.org' })],
    ['another audience', () => ({ aud: 'another-client' })],
    ['a token that has expired', () => ({ exp: now() - 120, iat: now() - 600 })],
    ['a token of tomorrow', () => ({ nbf: now() + 86_400 })],
    ['no subject', () => ({ sub: undefined })],
    ['a subject that is too long', () => ({ sub: 'x'.repeat(300) })],
  ])('with %s signs nobody in', async (_name, change) => {
    sso.provider.changeIdToken = (claims) => ({ ...claims, ...change() });
    expect(await outcomeOf(sso.signIn(person))).toBe('sso-failed');
    sso.provider.changeIdToken = undefined;
    expect(await outcomeOf(sso.signIn(person))).toBe('ok');
  });

  it('signed with another key signs nobody in', async () => {
    const other = await OpenIdProvider.start({ redirectUri: `${ORIGIN}/callback` });
    sso.provider.signer = other;
    try {
      sso.provider.changeIdToken = (claims) => claims;
      expect(await outcomeOf(sso.signIn(person))).toBe('sso-failed');
    } finally {
      sso.provider.changeIdToken = undefined;
      sso.provider.signer = sso.provider;
      await other.stop();
    }
  });

  it('counts once, only in the browser that began, and for ten minutes', async () => {
    const way = await sso.begin();
    const { search } = await new SiteBrowser().follow(way.url);
    expect(await outcomeOf(sso.finish(search, way.browser))).toBe('ok');
    expect(await outcomeOf(sso.finish(search, way.browser))).toBe('sso-failed');
    for (const browser of [null, (await sso.begin()).browser]) {
      const another = await sso.begin();
      const back = await new SiteBrowser().follow(another.url);
      expect(await outcomeOf(sso.finish(back.search, browser))).toBe('sso-failed');
    }
    const late = await sso.begin();
    const back = await new SiteBrowser().follow(late.url);
    identity.clock.advance(10 * 60_000);
    expect(await outcomeOf(sso.finish(back.search, late.browser))).toBe('sso-failed');
  });

  it('of another account, or an error of the provider, signs nobody in', async () => {
    const { url, browser } = await sso.begin();
    const { search } = await new SiteBrowser().follow(url);
    const other = ownerOf(await identity.anAccount());
    const request = { accountId: other.accountId, origin: ORIGIN, search, browser };
    expect(await outcomeOf(identity.client.ask(finishSso, request))).toBe('sso-failed');
    const way = { accountId: other.accountId, origin: ORIGIN };
    expect(await outcomeOf(identity.client.ask(beginSso, way))).toBe('sso-failed');
    const state = new URL(url).searchParams.get('state')!;
    for (const query of [`?error=access_denied&state=${state}`, '?code=x&state=forged', '?code=x', '', '?error=<b>'])
      expect([query, await outcomeOf(sso.finish(query, browser))]).toEqual([query, 'sso-failed']);
  });
});
