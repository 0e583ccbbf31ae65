import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type Sso } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { mapConstraintErrors } from '../../common/constraint-errors.js';
import { Connections, type DomainRow } from './connections.js';
import { SsoAccess } from './sso-access.js';
import { DomainRecords } from './domain-records.js';

const TAKEN = { detail: 'Another account has verified this domain. Its owner has to remove it there first.' };

/**
 * Proofs that email domains belong to an account. Without one, an account could let in, or catch, the people of another
 * company.
 */
@Injectable()
export class DomainProofs {
  constructor(
    private readonly em: EntityManager,
    private readonly connections: Connections,
    private readonly records: DomainRecords,
    private readonly access: SsoAccess,
    private readonly clock: Clock,
  ) {}

  /** The domains whose records are found, of those that are not verified yet. */
  async lookUp(accountId: string): Promise<DomainRow[]> {
    const open = (await this.connections.domains(accountId)).filter(({ verified }) => !verified);
    const found = await Promise.all(open.map(({ domain, token }) => this.records.has(domain, token)));
    return open.filter((_, at) => found[at]);
  }

  /**
   * @param proved as `lookUp` has returned them; one that was removed meanwhile is left out
   * @throws Problem `not-found`, `forbidden`; `conflict` if another account has verified one of them
   */
  async verify(principal: Principal, proved: readonly DomainRow[]): Promise<Sso> {
    const { accountId } = principal;
    await this.access.lock(principal, { proof: false });
    for (const { domain, token } of proved) {
      const { rows } = await mapConstraintErrors({ sso_domain_verified: () => new Problem('conflict', TAKEN) }, () =>
        sql`
          update sso_domain set verified_at = ${this.clock.now()}
          where account_id = ${accountId} and domain = ${domain} and token = ${token} and verified_at is null
          returning id`.execute(this.em.getKysely()),
      );
      if (rows.length > 0) await this.access.record(principal, 'sso.domain-verified', { domain });
    }
    return this.connections.view(accountId);
  }
}
