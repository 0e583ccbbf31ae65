import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { numberIsOwn, numbersForTelling, type Ask } from '#libs/contracts';
import { TelephonyConfig } from '../telephony.config.js';
import { PhoneNumber } from './number.entity.js';

type Asked = typeof numbersForTelling extends Ask<infer Question, infer Answer> ? [Question, Answer] : never;

/** Answers what other services have to know about numbers before contacts of a leaver get a text. */
@Controller()
export class NumbersForTellingController {
  constructor(
    private readonly em: EntityManager,
    private readonly config: TelephonyConfig,
  ) {}

  @Answers(numbersForTelling)
  async find({ accountId, userId, alternativeNumber }: Asked[0]): Promise<Asked[1]> {
    const confirmed = this.config.numbersRequireConfirmation ? { verifiedAt: { $ne: null } } : {};
    const usable = { accountId, state: 'assigned' as const, ...confirmed };
    const owned = await this.em.count(PhoneNumber, { ...usable, ownerId: userId });
    const named =
      alternativeNumber === undefined
        ? null
        : await this.em.findOne(PhoneNumber, { ...usable, e164: alternativeNumber });
    const alternative = named && {
      ownerId: named.ownerId ?? null,
      destinationUserId: named.destinationUserId ?? null,
    };
    return { owned, alternative };
  }
  @Answers(numberIsOwn)
  async isOwn({ accountId, e164 }: { accountId: string; e164: string }): Promise<{ own: boolean }> {
    return { own: (await this.em.count(PhoneNumber, { accountId, e164, state: { $ne: 'released' } })) > 0 };
  }
}
