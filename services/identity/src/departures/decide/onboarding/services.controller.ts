import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { confirmRules, retireService, servicesKnown, type KnownService } from '#libs/contracts';
import { Services } from './services.js';

/** The operator's requests about services. */
@Controller()
export class ServicesController {
  constructor(private readonly services: Services) {}

  @Answers(servicesKnown, { acrossAccounts: 'All accounts share the services.' })
  list(): Promise<KnownService[]> {
    return this.services.list();
  }

  @Answers(retireService, { acrossAccounts: 'All accounts share the services.' })
  retire({ service }: { service: string }): Promise<KnownService> {
    return this.services.retire(service);
  }

  @Answers(confirmRules, { acrossAccounts: 'All accounts share the services.' })
  confirm({ service, rules }: { service: string; rules: string[] }): Promise<KnownService> {
    return this.services.confirm(service, rules);
  }
}
