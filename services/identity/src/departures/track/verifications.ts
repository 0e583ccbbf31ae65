import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type BrokenPromise,
  type Principal,
  type StartedVerification,
  type Verification,
} from '#libs/contracts';
import { Clock, Ids, AfterCommit } from '#libs/database';
import { sql } from 'kysely';
import { Actors } from '../../user/actors.js';
import { VerificationWorker } from './verification.worker.js';

/** Verifications: proofs for all users of an account who have left, on request. */
@Injectable()
export class Verifications {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly worker: VerificationWorker,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `forbidden` */
  async start(principal: Principal): Promise<StartedVerification> {
    await this.actors.requireManager(principal);
    const id = this.ids.next();
    await sql`
      insert into verification (id, account_id, requested_by, created_at)
      values (${id}, ${principal.accountId}, ${principal.userId}, ${this.clock.now()})`.execute(this.em.getKysely());
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }

  /** @throws Problem `not-found`, also for another account's verification */
  async get(accountId: string, id: string): Promise<Verification> {
    const { rows } = await sql<Verification & { broken: BrokenPromise[] }>`
      select id, status, checked, broken from verification where id = ${id} and account_id = ${accountId}`.execute(
      this.em.getKysely(),
    );
    if (!rows[0]) throw new Problem('not-found', { detail: 'There is no such verification.' });
    return rows[0];
  }
}
