const ruleName = ({ rule, part }) => (part ? `${rule} (${part})` : rule);
const actionName = ({ action, days, scope }) =>
  [action, days !== undefined && `${days} days`, scope && `(${scope})`].filter(Boolean).join(' ');

/** What a departure would do: all that is more than keeping, then how much is kept, and what one should know. */
export function showPreview(paper, preview, heading) {
  const { rules, blockers, warnings, contactsToTellTotal } = preview;
  const changing = rules.filter(({ action, count }) => action !== 'keep' && count > 0);
  const kept = rules.filter(({ action }) => action === 'keep').reduce((sum, { count }) => sum + count, 0);
  paper.line(paper.bold(heading));
  if (changing.length > 0)
    paper.table(
      ['rule', 'what', 'action', '#count'],
      changing.map((line) => [ruleName(line), line.label, actionName(line), line.count]),
    );
  paper.line(`  ${changing.length === 0 ? 'Nothing changes; ' : ''}${kept} rows are kept as they are.`);
  for (const { rule, detail } of warnings) paper.line(paper.yellow(`  ! ${rule}: ${detail}`));
  if (contactsToTellTotal > 0)
    paper.line(paper.yellow(`  ! ${contactsToTellTotal} contacts wrote with this person lately.`));
  for (const { code, detail } of blockers) paper.line(paper.red(`  ✗ ${detail} (${code})`));
}

/** What a departure has done so far. */
export function showDeparture(paper, departure) {
  const { id, transition, status, progress, services, error, errorDetail, effectiveAt } = departure;
  paper.line(`${paper.bold(`${transition}: ${paint(paper, status)}`)}  ${paper.dim(id)}`);
  if (status === 'scheduled') paper.line(`  for ${effectiveAt}`);
  if (error) paper.line(paper.red(`  ✗ ${errorDetail ?? ''} (${error})`));
  if (progress.total > 0) paper.line(`  ${paper.bar(progress.done, progress.total)} services`);
  const lines = services
    .flatMap(({ rules }) => rules)
    .filter(({ action, affected }) => action !== 'keep' && affected > 0);
  if (lines.length > 0)
    paper.table(
      ['rule', 'action', '#affected', '#remaining', 'due'],
      lines.map((line) => [
        ruleName(line),
        actionName(line),
        line.affected,
        line.remaining ?? '…',
        line.dueAt?.slice(0, 10),
      ]),
    );
  for (const service of services.filter((one) => one.status === 'failed'))
    paper.line(paper.red(`  ✗ ${service.service} has failed (${service.error ?? 'unknown'})`));
}

export function paint(paper, status) {
  if (status === 'completed') return paper.green(status);
  return ['failed', 'refused', 'superseded', 'cancelled'].includes(status) ? paper.red(status) : paper.yellow(status);
}
