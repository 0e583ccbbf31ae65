import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { autoReplyFor } from '#libs/contracts';
import { Clock } from '#libs/database';
import { PolicyService } from '../../policy/policy.service.js';
import { DepartureQueries } from '../store/departure-queries.js';

const DAY = 86_400_000;

/** Says how contacts of users who have left are answered. */
@Controller()
export class AutoReplyController {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly policies: PolicyService,
    private readonly clock: Clock,
  ) {}

  @Answers(autoReplyFor)
  async find({ accountId, userId }: { accountId: string; userId: string }) {
    const leftAt = await this.departures.leftAt(accountId, userId);
    const { autoReply } = await this.policies.get(accountId);
    if (!autoReply || !leftAt) return { reply: null };
    const until = new Date(leftAt.getTime() + autoReply.days * DAY);
    return { reply: until > this.clock.now() ? { text: autoReply.text, until: until.toISOString() } : null };
  }
}
