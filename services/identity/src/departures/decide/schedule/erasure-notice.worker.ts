import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { lockAccount } from '../../../common/account-lock.js';
import { ErasureNotices } from '../../store/scheduled/erasure-notices.js';

const BATCH_SIZE = 200;

/** Announces erasures some days before them. One that is carried out first is announced together with its decision. */
@Injectable()
export class ErasureNoticeWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly notices: ErasureNotices,
    context: WorkerContext,
  ) {
    super(context, { name: 'erasure-notices' });
  }

  protected async step(): Promise<boolean> {
    const em = this.em.fork();
    return em.transactional(async () => {
      const accountId = await this.notices.dueAccount();
      if (accountId === undefined) return false;
      await lockAccount(em, accountId);
      await this.notices.give(accountId, BATCH_SIZE);
      return true;
    });
  }
}
