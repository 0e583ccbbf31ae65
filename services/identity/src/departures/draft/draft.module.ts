import { Module } from '@nestjs/common';
import { UserModule } from '../../user/user.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { DraftCommands } from './draft-commands.js';
import { DraftExpiryWorker } from './draft-expiry.worker.js';
import { DraftController } from './draft.controller.js';
import { Drafts } from './drafts.js';

/** What managers mean to decide about users, until they do. */
@Module({
  imports: [PlanModule, UserModule],
  controllers: [DraftController],
  providers: [DraftCommands, DraftExpiryWorker, Drafts],
  exports: [Drafts],
})
export class DraftModule {}
