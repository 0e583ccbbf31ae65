import { Module } from '@nestjs/common';
import type { Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import { controllersOf, entitiesOf, platformMigrations, type ServiceResource } from '#libs/platform';
import { CallHistoryController } from './call/call-history.controller.js';
import { InboundCallController } from './call/inbound-call.controller.js';
import { PhoneCall } from './call/phone-call.entity.js';
import { CallbackController } from './callback/callback.controller.js';
import { Callback } from './callback/callback.entity.js';
import { telephonyRules } from './departures/telephony.rules.js';
import { numberTables } from './migrations/0100-numbers.js';
import { callbackTables } from './migrations/0101-callbacks.js';
import { callTables } from './migrations/0102-call-history.js';
import { numbersOfInboxes } from './migrations/0103-numbers-of-inboxes.js';
import { numberContactTables } from './migrations/0110-number-contacts.js';
import { numbersPerAccount } from './migrations/0114-numbers-per-account.js';
import { ContactMoves } from './number-contact/contact-moves.worker.js';
import { NumberContactController } from './number-contact/number-contact.controller.js';
import { NumberConfirmationController } from './number/number-confirmation.controller.js';
import { NumberController } from './number/number.controller.js';
import { NumbersForTellingController } from './number/numbers-for-telling.controller.js';
import { PhoneNumber } from './number/number.entity.js';
import { PersonalNumberConversion } from './number/personal-number-conversion.js';

/** One line per noun: the entities of its tables and its controllers. */
const resources: readonly ServiceResource[] = [
  {
    entities: [PhoneNumber],
    controllers: [NumberController, NumberContactController, NumberConfirmationController, NumbersForTellingController],
  },
  { entities: [PhoneCall], controllers: [InboundCallController, CallHistoryController] },
  { entities: [Callback], controllers: [CallbackController] },
];

export const entities = entitiesOf(resources);

/** In the order in which they run. A released migration is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  numberTables,
  callbackTables,
  callTables,
  numbersOfInboxes,
  numberContactTables,
  numbersPerAccount,
];

/** Phone numbers with their owners and the users who answer them, calls, and callbacks. */
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
  controllers: controllersOf(resources),
  providers: [ContactMoves],
})
export class TelephonyModule {}
