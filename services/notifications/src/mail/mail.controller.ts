import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { mailsSend, Problem, type AcceptedMail, type MailToSend } from '#libs/contracts';
import { Directory } from '#libs/database';
import { MailQueue } from './mail-queue.js';
import { MailWorker } from './mail.worker.js';

@Controller()
export class MailController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly queue: MailQueue,
    private readonly worker: MailWorker,
  ) {}

  /** The lock on the user keeps a deletion from overlooking the mail. A deleted user gets none. */
  @Answers(mailsSend)
  async send(mail: MailToSend): Promise<AcceptedMail> {
    const { accountId, userId } = mail;
    await this.directory.prepare(accountId, [userId]);
    const accepted = await RequestContext.create(this.em, () =>
      this.em.transactional(async () => !(await this.isGone(accountId, userId)) && this.queue.add(mail)),
    );
    this.worker.wake();
    return { accepted };
  }

  /** Identity does not know a user who was deleted before this service has heard of them. */
  private async isGone(accountId: string, userId: string): Promise<boolean> {
    try {
      await this.directory.requireNotDeleted(accountId, [userId]);
      return false;
    } catch (error) {
      if (error instanceof Problem && (error.code === 'inactive-user' || error.code === 'unknown-user')) return true;
      throw error;
    }
  }
}
