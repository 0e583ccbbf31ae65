import { Controller } from '@nestjs/common';
import { AnswersEach, Handles } from '#libs/broker';
import {
  declareRulesOf,
  policyGet,
  policyPut,
  rulesList,
  type CallOf,
  type Catalogue as CatalogueAnswer,
  type Policy,
  type RuleDeclaration,
} from '#libs/contracts';
import { Catalogue } from '../catalogue/catalogue.js';
import { PolicyService } from './policy.service.js';

@Controller()
export class PolicyController {
  constructor(
    private readonly policies: PolicyService,
    private readonly catalogue: Catalogue,
  ) {}

  @Handles(rulesList)
  rules(): Promise<CatalogueAnswer> {
    return this.policies.list();
  }

  @Handles(policyGet)
  get({ principal }: CallOf<typeof policyGet>): Promise<Policy> {
    return this.policies.get(principal.accountId);
  }

  @Handles(policyPut)
  put({ principal, body }: CallOf<typeof policyPut>): Promise<Policy> {
    return this.policies.change(principal, body);
  }

  @AnswersEach(declareRulesOf('*'), { acrossAccounts: 'All accounts share the catalogue of rules.' })
  async declare(declaration: RuleDeclaration, sender: string): Promise<{ accepted: number; joining: boolean }> {
    const joining = await this.catalogue.declare(declaration, sender);
    return { accepted: declaration.rules.length, joining };
  }
}
