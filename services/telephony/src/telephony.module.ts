import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { InboundCallController } from './call/inbound-call.controller.js';
import { telephonyRules } from './departures/telephony.rules.js';
import { NumberController } from './number/number.controller.js';
import { PhoneNumber } from './number/number.entity.js';

export const entities = [PhoneNumber];

/** Phone numbers, whose they are, and who answers them. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'telephony', consumer: 'telephony-users', rules: telephonyRules, entities }),
  ],
  controllers: [NumberController, InboundCallController],
})
export class TelephonyModule {}
