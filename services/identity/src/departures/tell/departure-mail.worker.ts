import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureMailKind } from '#libs/contracts';
import { Worker, WorkerContext } from '#libs/jobs';
import { isoOf } from '../../common/moments.js';
import { Mail } from '../../mail/mail.js';
import { LEASE_MS, RETRY } from '../store/departure-claims.js';
import { DepartureMails, type DueMail } from '../store/mails/departure-mails.js';
import { MailReaders, type Reader } from './mail-readers.js';

const BATCH_SIZE = 50;

/** Writes the mails about departures: what has happened to the requester and the managers, what was handed over to its receivers. */
@Injectable()
export class DepartureMailWorker extends Worker<DueMail> {
  constructor(
    private readonly em: EntityManager,
    private readonly due: DepartureMails,
    private readonly readers: MailReaders,
    private readonly mail: Mail,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'departure-mails',
      batchSize: BATCH_SIZE,
      leaseMs: LEASE_MS,
      retry: RETRY,
      wokenBy: ['departure_mail'],
    });
  }

  protected override claim(limit: number): Promise<DueMail[]> {
    return this.due.claim(limit, this.leaseUntil());
  }

  protected override async run(mail: DueMail): Promise<void> {
    await this.em.fork().transactional(async () => {
      if (!(await this.due.markSent(mail))) return;
      const { kind } = mail;
      if (isTold(mail)) await this.write(mail, kind, await this.readers.requesterAndManagers(mail));
      if (kind === 'departure-completed' && !mail.in_list)
        await this.write(mail, 'handover', await this.readers.receivers(mail));
    });
  }

  protected override async failed(mail: DueMail): Promise<Date | undefined> {
    const retryAt = this.retryAt(0)!;
    await this.due.retryAt(mail, retryAt);
    return retryAt;
  }

  protected override about({ departure_id: departureId, kind }: DueMail): object {
    return { departureId, kind };
  }

  private async write(mail: DueMail, kind: DepartureMailKind, readers: readonly Reader[]): Promise<void> {
    const { departure_id: id, user_id: leaverId, transition, effective_at, requested_at } = mail;
    const departure = { id, userId: leaverId, transition, effectiveAt: isoOf(effective_at) };
    const at = isoOf(requested_at);
    await this.mail.send(
      readers.map(({ userId, email: to, received }) => ({
        ...{ userId, kind, to, at },
        departure: { ...departure, ...(received && { received }) },
      })),
    );
  }
}

/**
 * Lists have up to 10,000 departures, of which only failures are told. Nor is what follows from another departure when it is
 * scheduled, or the end of a reassignment, whose receivers get a mail.
 */
const isTold = ({ kind, transition, follows, in_list }: DueMail): boolean =>
  !(in_list && kind !== 'departure-failed') &&
  !(follows && kind === 'departure-scheduled') &&
  !(transition === 'reassigned' && kind === 'departure-completed');
