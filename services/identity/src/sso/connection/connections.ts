import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, ssoPathOf, type JustInTimeRole, type Sso } from '#libs/contracts';
import { sql } from 'kysely';
import { domainToASCII } from 'node:url';
import { isoOf } from '../../common/moments.js';
import { KeyEncryption } from '../../signing-key/key-encryption.js';
import { recordOf } from './domain-records.js';

/** The provider of an account. */
export interface Connection {
  accountId: string;
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  justInTimeRole: JustInTimeRole | null;
  /** Whether passwords no longer count, except that of the break-glass owner. */
  enforced: boolean;
  breakGlassOwnerId: string | null;
  /** Goes up with each change. */
  version: number;
  updatedAt: string;
}

export interface DomainRow {
  domain: string;
  token: string;
  verified: boolean;
}

interface ConnectionRow {
  issuer: string;
  client_id: string;
  sealed_client_secret: string | null;
  just_in_time_role: JustInTimeRole | null;
  enforced: boolean;
  break_glass_id: string | null;
  version: number;
  updated_at: string;
}

/** Reads the set-up of single sign-on. */
@Injectable()
export class Connections {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
  ) {}

  async find(accountId: string): Promise<Connection | undefined> {
    const { rows } = await sql<ConnectionRow>`
      select issuer, client_id, sealed_client_secret, just_in_time_role, enforced, break_glass_id, version, updated_at
      from sso_connection where account_id = ${accountId}`.execute(this.em.getKysely());
    return rows[0] && this.read(accountId, rows[0]);
  }

  /** @throws Problem `not-found` */
  async get(accountId: string): Promise<Connection> {
    const connection = await this.find(accountId);
    if (!connection) throw new Problem('not-found', { detail: 'Single sign-on is not set up.' });
    return connection;
  }

  /** The domains in the order in which they were added. */
  async domains(accountId: string): Promise<DomainRow[]> {
    const { rows } = await sql<DomainRow>`
      select domain, token, verified_at is not null as verified from sso_domain
      where account_id = ${accountId} order by id`.execute(this.em.getKysely());
    return rows;
  }

  /** The account that has proved the domain of the address, and has set up a provider. */
  async accountOf(email: string): Promise<{ accountId: string; enforced: boolean } | undefined> {
    const { rows } = await sql<{ accountId: string; enforced: boolean }>`
      select c.account_id as "accountId", c.enforced from sso_domain d join sso_connection c on c.account_id = d.account_id
      where d.domain = ${domainOf(email)} and d.verified_at is not null`.execute(this.em.getKysely());
    return rows[0];
  }

  /** @throws Problem `not-found` */
  async view(accountId: string): Promise<Sso> {
    const connection = await this.get(accountId);
    const { issuer, clientId, clientSecret, justInTimeRole, enforced, breakGlassOwnerId, updatedAt } = connection;
    const domains = await this.domains(accountId);
    return {
      issuer,
      clientId,
      hasClientSecret: clientSecret !== undefined,
      domains: domains.map(({ domain, token, verified }) => ({ domain, verified, ...recordOf(domain, token) })),
      justInTimeRole,
      enforced,
      breakGlassOwnerId,
      redirectUri: ssoPathOf(accountId, 'callback'),
      startUrl: ssoPathOf(accountId, 'start'),
      backchannelLogoutUri: ssoPathOf(accountId, 'backchannel-logout'),
      globalLogoutUri: ssoPathOf(accountId, 'global-token-revocation'),
      updatedAt,
    };
  }

  private read(accountId: string, row: ConnectionRow): Connection {
    const { sealed_client_secret: sealed } = row;
    return {
      accountId,
      issuer: row.issuer,
      clientId: row.client_id,
      clientSecret: sealed === null ? undefined : this.encryption.decrypt(sealed, accountId),
      justInTimeRole: row.just_in_time_role,
      enforced: row.enforced,
      breakGlassOwnerId: row.break_glass_id,
      version: row.version,
      updatedAt: isoOf(row.updated_at),
    };
  }
}

/** The domain of an address in the form in which domains are stored. */
export const domainOf = (email: string): string => domainToASCII(email.slice(email.lastIndexOf('@') + 1));
