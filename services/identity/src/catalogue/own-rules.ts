import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { RuleSet } from '#libs/lifecycle';
import { Readiness } from '#libs/platform';
import { Catalogue } from './catalogue.js';

/** Declares identity's own rules at startup. The service is not ready before. */
@Injectable()
export class OwnRules implements OnApplicationBootstrap {
  private declared = false;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly catalogue: Catalogue,
    readiness: Readiness,
  ) {
    readiness.add('rules', () => this.declared);
  }

  async onApplicationBootstrap(): Promise<void> {
    await RequestContext.create(this.em, () =>
      this.catalogue.declare({ service: this.rules.service, rules: this.rules.describe() }, this.rules.service),
    );
    this.declared = true;
  }
}
