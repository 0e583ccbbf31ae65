import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { UserModule } from '../user/user.module.js';
import { TeamController } from './team.controller.js';
import { TeamService } from './team.service.js';

/** Teams and their members. */
@Module({
  imports: [AuditModule, UserModule],
  controllers: [TeamController],
  providers: [TeamService],
  exports: [TeamService],
})
export class TeamModule {}
