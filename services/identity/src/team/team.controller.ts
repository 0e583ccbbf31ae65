import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  teamMembersAdd,
  teamMembersRemove,
  teamsCreate,
  teamsGet,
  teamsList,
  teamsRemove,
  teamsUpdate,
  type CallOf,
  type Page,
  type Team,
} from '#libs/contracts';
import { TeamMembers } from './team-members.js';
import { TeamService } from './team.service.js';

@Controller()
export class TeamController {
  constructor(
    private readonly teams: TeamService,
    private readonly members: TeamMembers,
  ) {}

  @Handles(teamsList)
  list({ principal, query }: CallOf<typeof teamsList>): Promise<Page<Team>> {
    return this.teams.page(principal.accountId, query);
  }

  @Handles(teamsCreate)
  create({ principal, body }: CallOf<typeof teamsCreate>): Promise<Team> {
    return this.teams.create(principal, body.name);
  }

  @Handles(teamsGet)
  get({ principal, params }: CallOf<typeof teamsGet>): Promise<Team> {
    return this.teams.get(principal.accountId, params.id!);
  }

  @Handles(teamsUpdate)
  update({ principal, params, body }: CallOf<typeof teamsUpdate>): Promise<Team> {
    return this.teams.rename(principal, params.id!, body.name);
  }

  @Handles(teamsRemove)
  remove({ principal, params }: CallOf<typeof teamsRemove>): Promise<void> {
    return this.teams.remove(principal, params.id!);
  }

  @Handles(teamMembersAdd)
  addMember({ principal, params }: CallOf<typeof teamMembersAdd>): Promise<void> {
    return this.members.add(principal, params.id!, params.userId!);
  }

  @Handles(teamMembersRemove)
  removeMember({ principal, params }: CallOf<typeof teamMembersRemove>): Promise<void> {
    return this.members.remove(principal, params.id!, params.userId!);
  }
}
