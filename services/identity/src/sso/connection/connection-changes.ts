import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type Sso, type SsoChange } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { KeyEncryption } from '../../signing-key/key-encryption.js';
import { Providers } from '../provider/providers.js';
import { Connections, type Connection } from './connections.js';
import { SsoAccess } from './sso-access.js';

/** Sets up and removes single sign-on. Only owners, with a recent proof, because a person who does it decides who gets in. */
@Injectable()
export class ConnectionChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly connections: Connections,
    private readonly providers: Providers,
    private readonly encryption: KeyEncryption,
    private readonly access: SsoAccess,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Asks the provider whether it is one.
   * @returns the issuer as the provider writes it
   * @throws Problem `sso-provider-refused`
   */
  async prepare({ accountId }: Principal, change: SsoChange): Promise<string> {
    const clientSecret = secretOf(await this.connections.find(accountId), change);
    const provider = await this.providers.discover({ ...change, clientSecret });
    return provider.serverMetadata().issuer;
  }

  /** @throws Problem `forbidden`, `step-up-required`; `validation` or `conflict` if it cannot be enforced */
  async put(principal: Principal, change: SsoChange, issuer: string): Promise<Sso> {
    const { accountId } = principal;
    await this.access.lock(principal);
    const secret = secretOf(await this.connections.find(accountId), { ...change, issuer });
    const sealed = secret === undefined ? null : this.encryption.encrypt(secret, accountId);
    const { clientId, domains, justInTimeRole = null, enforced = false, breakGlassOwnerId = null } = change;
    await sql`
      insert into sso_connection (account_id, issuer, client_id, sealed_client_secret, just_in_time_role, enforced,
        break_glass_id, version, updated_at)
      values (${accountId}, ${issuer}, ${clientId}, ${sealed}, ${justInTimeRole}, ${enforced}, ${breakGlassOwnerId}, 1, ${this.clock.now()})
      on conflict (account_id) do update set issuer = excluded.issuer, client_id = excluded.client_id,
        sealed_client_secret = excluded.sealed_client_secret, just_in_time_role = excluded.just_in_time_role,
        enforced = excluded.enforced, break_glass_id = excluded.break_glass_id,
        version = sso_connection.version + 1, updated_at = excluded.updated_at`.execute(this.db);
    await this.setDomains(accountId, domains);
    if (breakGlassOwnerId !== null) await this.checkBreakGlass(accountId, breakGlassOwnerId);
    if (enforced) await this.checkEnforcement(accountId, breakGlassOwnerId);
    const detail = { issuer, clientId, domains, justInTimeRole, enforced, breakGlassOwnerId };
    await this.access.record(principal, 'sso.changed', detail);
    return this.connections.view(accountId);
  }

  /** @throws Problem `forbidden`, `step-up-required`, `not-found` */
  async remove(principal: Principal): Promise<void> {
    const { accountId } = principal;
    await this.access.lock(principal);
    const { issuer } = await this.connections.get(accountId);
    for (const table of ['sso_attempt', 'sso_used_token', 'sso_link', 'sso_domain', 'sso_connection'])
      await sql`delete from ${sql.table(table)} where account_id = ${accountId}`.execute(this.db);
    await this.access.record(principal, 'sso.removed', { issuer });
  }

  /** @throws Problem `validation` unless it is an owner of the account who can sign in with a password */
  private async checkBreakGlass(accountId: string, userId: string): Promise<void> {
    const { rows } = await sql`
      select u.id from users u join user_role r on r.user_id = u.id and r.role = 'owner'
      where u.account_id = ${accountId} and u.id = ${userId} and u.status = 'active' and u.suspended_at is null
        and u.password_hash is not null for key share of u`.execute(this.db);
    if (rows.length === 0) throw invalid('breakGlassOwnerId must be an active owner who has a password');
  }

  /** @throws Problem `validation`, `conflict` if nobody could sign in */
  private async checkEnforcement(accountId: string, breakGlassOwnerId: string | null): Promise<void> {
    if (breakGlassOwnerId === null) throw invalid('breakGlassOwnerId is required if single sign-on is enforced');
    const domains = await this.connections.domains(accountId);
    if (!domains.some(({ verified }) => verified))
      throw new Problem('conflict', { detail: 'First verify a domain: nobody could sign in.' });
  }

  private async setDomains(accountId: string, domains: readonly string[]): Promise<void> {
    await sql`
      delete from sso_domain where account_id = ${accountId} and domain <> all(${[...domains]}::text[])`.execute(
      this.db,
    );
    for (const domain of new Set(domains))
      await sql`
        insert into sso_domain (id, account_id, domain, token)
        values (${this.ids.next()}, ${accountId}, ${domain}, ${this.ids.secret(16)})
        on conflict (account_id, domain) do nothing`.execute(this.db);
  }

  private get db() {
    return this.em.getKysely();
  }
}

const invalid = (message: string) => new Problem('validation', { errors: [{ field: 'breakGlassOwnerId', message }] });

/** A secret that is not given again is kept for the same client of the same provider, and never sent to another one. */
function secretOf(present: Connection | undefined, { issuer, clientId, clientSecret }: SsoChange): string | undefined {
  if (clientSecret !== undefined) return clientSecret;
  return present?.issuer === issuer && present.clientId === clientId ? present.clientSecret : undefined;
}
