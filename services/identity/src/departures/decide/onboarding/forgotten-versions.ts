import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Log } from '#libs/observability';
import { MOST_RAISED, Problem } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';

interface Known {
  userId: string;
  seq: number;
  lifecycleVersion: number;
}

/** After a restore of identity's database: raises users' versions to those that other services have. */
@Injectable()
export class ForgottenVersions {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Raises these users' versions; never lowers them.
   * @returns the number of users whose versions were lower
   * @throws Problem `validation`
   */
  async raise(people: readonly Known[]): Promise<number> {
    if (people.length > MOST_RAISED)
      throw new Problem('validation', { errors: [{ field: 'people', message: `people: ${MOST_RAISED} at most` }] });
    const { rows } = await sql<{ id: string }>`
      update users u set seq = greatest(u.seq, k.seq), lifecycle_version = greatest(u.lifecycle_version, k.version),
        updated_at = ${this.clock.now()}
      from (select u.id, n.seq, n.version from users u
        join unnest(${people.map((one) => one.userId)}::uuid[], ${people.map((one) => one.seq)}::bigint[],
          ${people.map((one) => one.lifecycleVersion)}::bigint[]) as n (id, seq, version) on n.id = u.id
        order by u.id for no key update of u) k
      where u.id = k.id and (u.seq < k.seq or u.lifecycle_version < k.version) returning u.id`.execute(
      this.em.fork().getKysely(),
    );
    this.log.warn({ raised: rows.length }, 'raised user versions to those of other services');
    return rows.length;
  }
}
