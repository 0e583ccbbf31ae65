import { ssoDomainsVerify, ssoGet, ssoPut, ssoRemove, type Principal, type SsoChange } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { DnsServer } from '../../testing/dns-server.js';
import { outcomeOf, ownerOf, TestIdentity } from '../../testing/identity.js';
import { CLIENT_ID, CLIENT_SECRET, OpenIdProvider } from '../../testing/openid-provider.js';

let identity: TestIdentity;
let dns: DnsServer;
let provider: OpenIdProvider;
let owner: Principal;
let wanted: SsoChange;

beforeAll(async () => {
  dns = await DnsServer.start();
  provider = await OpenIdProvider.start({ redirectUri: 'https://leaver.example.com/callback' });
  identity = await TestIdentity.start({ settings: { SSO_ALLOW_PRIVATE: 'true', SSO_DNS_SERVERS: dns.address } });
});
afterAll(async () => {
  await identity?.stop();
  await provider?.stop();
  dns?.stop();
});

let accounts = 0;
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  const domains = [`harbor${++accounts}.example.com`];
  wanted = { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, domains };
});

const put = (change: Partial<SsoChange> = {}, principal = owner) =>
  identity.call(ssoPut, { principal, body: { ...wanted, ...change } });
const verify = (principal = owner) => identity.call(ssoDomainsVerify, { principal });

describe('the set-up of single sign-on', () => {
  it('shows everything but the client secret, which the database has only encrypted', async () => {
    const shown = await put({ justInTimeRole: 'agent' });
    expect(shown).toEqual({
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      hasClientSecret: true,
      domains: [
        {
          domain: wanted.domains[0],
          verified: false,
          recordName: `_leaver.${wanted.domains[0]}`,
          recordValue: expect.stringMatching(/^leaver-domain-verification=[\w-]{22}$/),
        },
      ],
      justInTimeRole: 'agent',
      enforced: false,
      breakGlassOwnerId: null,
      redirectUri: `/v1/auth/sso/${owner.accountId}/callback`,
      startUrl: `/v1/auth/sso/${owner.accountId}/start`,
      backchannelLogoutUri: `/v1/auth/sso/${owner.accountId}/backchannel-logout`,
      globalLogoutUri: `/v1/auth/sso/${owner.accountId}/global-token-revocation`,
      updatedAt: expect.any(String),
    });
    expect(await identity.call(ssoGet, { principal: owner })).toEqual(shown);
    const rows = await identity.query(sql`select * from sso_connection where account_id = ${owner.accountId}`);
    expect(JSON.stringify(rows)).not.toContain(CLIENT_SECRET);
  });

  it('keeps the secret for the same client only: another issuer does not get it', async () => {
    await put();
    expect((await put({ clientSecret: undefined })).hasClientSecret).toBe(true);
    expect((await put({ clientSecret: undefined, clientId: 'another' })).hasClientSecret).toBe(false);
  });

  it('keeps the record of a domain that stays', async () => {
    const [before] = (await put()).domains;
    const { domains } = await put({ domains: [...wanted.domains, 'pine.example.com'] });
    expect([domains[0], domains.length]).toEqual([before, 2]);
  });

  it('is for owners who have just proved who they are', async () => {
    const admin = await identity.signedIn(await identity.aPerson(owner, { roles: ['admin'] }));
    expect(await outcomeOf(put({}, admin))).toBe('forbidden');
    identity.clock.advance(11 * 60_000);
    expect(await outcomeOf(put())).toBe('step-up-required');
    expect(await outcomeOf(identity.call(ssoRemove, { principal: owner }))).toBe('step-up-required');
  });

  it('refuses what is no provider, without a change', async () => {
    for (const issuer of ['http://127.0.0.1:9', `${provider.issuer}/other`, 'http://nowhere.invalid'])
      expect([issuer, await outcomeOf(put({ issuer }))]).toEqual([issuer, 'sso-provider-refused']);
    expect(await outcomeOf(identity.call(ssoGet, { principal: owner }))).toBe('not-found');
  });

  it('is removed with its domains', async () => {
    await put();
    await identity.call(ssoRemove, { principal: owner });
    expect(await outcomeOf(identity.call(ssoGet, { principal: owner }))).toBe('not-found');
    expect(await identity.query(sql`select * from sso_domain where account_id = ${owner.accountId}`)).toEqual([]);
  });
});

describe('an email domain', () => {
  const publish = async (principal = owner) => {
    const { domains } = await identity.call(ssoGet, { principal });
    for (const { recordName, recordValue } of domains) dns.records.set(recordName, ['v=spf1 -all', recordValue]);
  };

  it('counts once its record is found', async () => {
    await put();
    dns.records.set(`_leaver.${wanted.domains[0]}`, ['leaver-domain-verification=of-somebody-else']);
    expect((await verify()).domains[0]!.verified).toBe(false);
    await publish();
    expect((await verify()).domains[0]!.verified).toBe(true);
    expect((await put()).domains[0]!.verified).toBe(true);
  });

  it('belongs to one account', async () => {
    await put();
    await publish();
    await verify();
    const other = ownerOf(await identity.anAccount());
    await put({}, other);
    expect((await verify(other)).domains[0]!.verified).toBe(false);
    await publish(other);
    expect(await outcomeOf(verify(other))).toBe('conflict');
  });
});

describe('without the setting for private addresses', () => {
  it('providers are asked only over TLS and at public addresses', async () => {
    const strict = await TestIdentity.start();
    try {
      const principal = ownerOf(await strict.anAccount());
      for (const issuer of [provider.issuer, 'https://127.0.0.1', 'https://localhost', 'https://[::1]'])
        expect([issuer, await outcomeOf(strict.call(ssoPut, { principal, body: { ...wanted, issuer } }))]).toEqual([
          issuer,
          'sso-provider-refused',
        ]);
    } finally {
      await strict.stop();
    }
  });
});
