import {
  beginSso,
  beginSsoProof,
  exchangeBrowserSession,
  finishSso,
  ssoDomainsVerify,
  ssoGet,
  ssoPut,
  type JustInTimeRole,
  type Principal,
  type SsoBeginning,
  type SsoProofPurpose,
} from '#libs/contracts';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { DnsServer } from './dns-server.js';
import { ownerOf, TestIdentity } from './identity.js';
import { CLIENT_ID, CLIENT_SECRET, OpenIdProvider, SiteBrowser, type ProviderPerson } from './openid-provider.js';

export const ORIGIN = 'https://leaver.example.com';
export const DOMAIN = 'harbor.example.com';

type KnownPerson = ProviderPerson & { email: string };

/** Identity with a provider and a name server on this machine. Each account has a provider of its own. */
export class SingleSignOn {
  owner: Principal;
  provider: OpenIdProvider;
  private people = 0;

  private constructor(
    readonly identity: TestIdentity,
    private readonly dns: DnsServer,
  ) {}

  static async start(): Promise<SingleSignOn> {
    const dns = await DnsServer.start();
    const settings = { SSO_ALLOW_PRIVATE: 'true', SSO_DNS_SERVERS: dns.address };
    return new SingleSignOn(await TestIdentity.start({ settings }), dns);
  }

  async stop(): Promise<void> {
    await this.provider?.stop();
    await this.identity.stop();
    this.dns.stop();
  }

  /** A new account, whose provider lets in people with this role, or only those who are known. */
  async anAccount(justInTimeRole: JustInTimeRole | null = null, seats = 10): Promise<void> {
    const { identity } = this;
    await this.provider?.stop();
    await identity.query(sql`delete from sso_domain`);
    this.owner = ownerOf(await identity.anAccount({ seats }));
    const { accountId } = this.owner;
    this.provider = await OpenIdProvider.start({ redirectUri: `${ORIGIN}/v1/auth/sso/${accountId}/callback` });
    await identity.call(ssoPut, { principal: this.owner, body: { ...this.client(), justInTimeRole } });
    const { domains } = await identity.call(ssoGet, { principal: this.owner });
    this.dns.records.set(domains[0]!.recordName, [domains[0]!.recordValue]);
    await identity.call(ssoDomainsVerify, { principal: this.owner });
  }

  /** The set-up of the account. */
  client() {
    const { issuer } = this.provider;
    return { issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, domains: [DOMAIN] };
  }

  aPerson(more: Partial<ProviderPerson> = {}): KnownPerson {
    const n = ++this.people;
    const email = `maya${n}@${DOMAIN}`;
    return { sub: `subject-${n}`, email, email_verified: true, name: `Maya ${n}`, ...more };
  }

  begin(): Promise<SsoBeginning> {
    return this.identity.client.ask(beginSso, { accountId: this.owner.accountId, origin: ORIGIN });
  }

  proof(purpose: SsoProofPurpose, { accountId, userId, sessionId }: Principal): Promise<SsoBeginning> {
    const request = { accountId, userId, sessionId: sessionId!, purpose, origin: ORIGIN };
    return this.identity.client.ask(beginSsoProof, request);
  }

  finish(search: string, browser: string | null): Promise<{ returnTo: string; secret?: string }> {
    return this.identity.client.ask(finishSso, { accountId: this.owner.accountId, origin: ORIGIN, search, browser });
  }

  /** To the provider and back. */
  async throughProvider({ url, browser }: SsoBeginning) {
    const back = await new SiteBrowser().follow(url);
    if (back.href.split('?', 1)[0] !== `${ORIGIN}/v1/auth/sso/${this.owner.accountId}/callback`)
      throw new Error(`came back to ${back.href}`);
    return this.finish(back.search, browser);
  }

  async signIn(person: ProviderPerson) {
    this.provider.person = person;
    return this.throughProvider(await this.begin());
  }

  /** Who the session is. */
  async whoIs({ secret }: { secret?: string }): Promise<Principal> {
    const session = await this.identity.client.ask(exchangeBrowserSession, { secret: secret! });
    const { sub, sid, roles } = decodeJwt<{ sid: string; roles: Principal['roles'] }>(session!.accessToken);
    return { accountId: this.owner.accountId, userId: sub!, sessionId: sid, roles };
  }
}
