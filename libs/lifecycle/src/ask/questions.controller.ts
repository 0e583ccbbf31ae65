import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Optional, type Type } from '@nestjs/common';
import {
  affectedRowsOf,
  exportOf,
  holdingsOf,
  knownPeopleOf,
  previewOf,
  previewsOf,
  proofOf,
  returnPreviewOf,
  rowsOf,
  type AffectedRowsRequest,
  type ExportPage,
  type ExportRequest,
  type HoldingsAnswer,
  type HoldingsRequest,
  type KnownPeople,
  type PreviewLine,
  type PreviewRequest,
  type PreviewsLine,
  type PreviewsRequest,
  type ProofAnswer,
  type ProofRequest,
  type ReturnPreviewLine,
  type ReturnPreviewRequest,
  type RowPage,
  type RowsRequest,
} from '#libs/contracts';
import { Answers, ServiceClient } from '#libs/broker';
import { Clock } from '#libs/database';
import { knownPeople } from '../inbox/directory-rows.js';
import { affectedRows } from './affected-rows.js';
import { exportPage } from './export.js';
import { holdings } from './holdings.js';
import { preview } from './preview.js';
import { previews } from './previews.js';
import { proof } from './proof.js';
import { returnPreview } from './return-preview.js';
import { previewedRows } from './rows.js';
import { RuleSet } from '../run/rule-set.js';

/** Answers identity's questions for previews, rows, exports, proofs and holdings, and the operator's request for the users that the service knows. */
export function questionsController(service: string): Type {
  @Controller()
  class QuestionsController {
    constructor(
      private readonly em: EntityManager,
      private readonly rules: RuleSet,
      private readonly clock: Clock,
      @Optional() private readonly client?: ServiceClient,
    ) {}

    @Answers(previewOf(service))
    preview(request: PreviewRequest): Promise<PreviewLine[]> {
      return preview(this.em.getKysely(), this.rules, request, this.clock.now());
    }

    @Answers(previewsOf(service))
    previews(request: PreviewsRequest): Promise<PreviewsLine[]> {
      return previews(this.em.getKysely(), this.rules, request, this.clock.now());
    }

    @Answers(returnPreviewOf(service))
    returnPreview(request: ReturnPreviewRequest): Promise<ReturnPreviewLine[]> {
      const asking = { now: this.clock.now(), client: this.client };
      return returnPreview(this.em.getKysely(), this.rules, request, asking);
    }

    @Answers(rowsOf(service))
    rows(request: RowsRequest): Promise<RowPage> {
      return previewedRows(this.em.getKysely(), this.rules, request, this.clock.now());
    }

    @Answers(affectedRowsOf(service))
    affectedRows(request: AffectedRowsRequest): Promise<RowPage> {
      return affectedRows(this.em.getKysely(), this.rules, request);
    }

    @Answers(exportOf(service))
    export(request: ExportRequest): Promise<ExportPage> {
      return exportPage(this.em.getKysely(), this.rules, request);
    }

    @Answers(proofOf(service), { acrossAccounts: 'Identity asks about users of several accounts at once.' })
    proof(request: ProofRequest): Promise<ProofAnswer> {
      return proof(this.em.getKysely(), this.rules, request);
    }

    @Answers(holdingsOf(service))
    holdings(request: HoldingsRequest): Promise<HoldingsAnswer> {
      return holdings(this.em.getKysely(), this.rules, request, this.clock.now());
    }

    @Answers(knownPeopleOf(service), { acrossAccounts: 'An operator asks about all accounts.' })
    knownPeople({ after }: { after: string | null }): Promise<KnownPeople> {
      return knownPeople(this.em.getKysely(), after);
    }
  }
  return QuestionsController;
}
