import { LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { callbacks, callbackUpdate, Problem, type AnswerOf, type Call, type CallOf } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Callback, type CallbackRow } from './callback.entity.js';

type Shown = AnswerOf<typeof callbackUpdate>;

const base = plainResource(callbacks, {
  entity: Callback,
  shown: ['contactId', 'dueAt', 'status', 'createdAt'],
  people: ['assigneeId'],
  mine: 'assigneeId',
});

@Controller()
export class CallbackController extends base {
  override async prepare(call: Call): Promise<Partial<CallbackRow>> {
    return { status: 'pending', ...(await super.prepare(call)) };
  }

  /**
   * Locks the assignee's directory row before the callback. A done callback may keep an assignee who has left; a
   * pending one may not get one.
   */
  @Handles(callbackUpdate)
  async update(call: CallOf<typeof callbackUpdate>): Promise<Shown> {
    const { assigneeId, dueAt, status } = call.body;
    const reopens = ({ status: before }: CallbackRow) => status === 'pending' && before !== 'pending';
    const seen = await this.find(call);
    const named = assigneeId === undefined && reopens(seen) ? seen.assigneeId : assigneeId;
    await this.directory.requireActive(seen.accountId, [named]);
    const callback = await this.lock(seen);
    if (assigneeId === undefined && reopens(callback) && callback.assigneeId !== (named ?? null)) {
      throw new Problem('conflict', {
        detail: 'This callback was changed by another request. Reload it and try again.',
      });
    }
    callback.assigneeId = assigneeId === undefined ? callback.assigneeId : assigneeId;
    callback.status = status ?? callback.status;
    callback.dueAt = dueAt === undefined ? callback.dueAt : new Date(dueAt);
    await this.em.flush();
    return (await this.present([callback], call))[0] as Shown;
  }

  /** Locks the callback and reloads it, because it may have changed since it was read. */
  private async lock({ id, accountId }: CallbackRow): Promise<CallbackRow> {
    const options = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
    const callback = await this.em.findOne(Callback, { id, accountId }, options);
    if (!callback) throw new Problem('not-found');
    return callback;
  }
}
