import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { CallHistoryController } from './call/call-history.controller.js';
import { InboundCallController } from './call/inbound-call.controller.js';
import { PhoneCall } from './call/phone-call.entity.js';
import { CallbackController } from './callback/callback.controller.js';
import { Callback } from './callback/callback.entity.js';
import { telephonyRules } from './departures/telephony.rules.js';
import { ContactMoves } from './number-contact/contact-moves.worker.js';
import { NumberContactController } from './number-contact/number-contact.controller.js';
import { NumberController } from './number/number.controller.js';
import { PhoneNumber } from './number/number.entity.js';
import { PersonalNumberConversion } from './number/personal-number-conversion.js';

export const entities = [PhoneNumber, Callback, PhoneCall];

/** Phone numbers, whose they are and who answers them, the calls on them, and who has to call back. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'telephony',
      consumer: 'telephony-users',
      rules: telephonyRules,
      entities,
      conversion: PersonalNumberConversion,
    }),
  ],
  controllers: [
    NumberController,
    NumberContactController,
    InboundCallController,
    CallbackController,
    CallHistoryController,
  ],
  providers: [ContactMoves],
})
export class TelephonyModule {}
