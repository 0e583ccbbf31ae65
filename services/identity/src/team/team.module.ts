import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { UserModule } from '../user/user.module.js';
import { TeamMembers } from './team-members.js';
import { TeamController } from './team.controller.js';
import { TeamService } from './team.service.js';

/** Teams and their members. */
@Module({
  imports: [AuditModule, UserModule],
  controllers: [TeamController],
  providers: [TeamMembers, TeamService],
  exports: [TeamMembers, TeamService],
})
export class TeamModule {}
