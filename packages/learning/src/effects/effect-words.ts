/**
 * Words that tell a read from a write. They are general verbs of tool names and descriptions, in their base form; a word that is as
 * often a noun as a verb ("order", "run", "email") stands apart, for it only counts where a verb must stand.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Verbs that only look, wherever they stand. */
export const readVerbs = words(`
  analyse analyze autocomplete calculate check classify compare compute count describe detect determine diff discover echo estimate
  examine explain explore fetch find forecast geocode get identify inspect investigate introspect list locate look lookup measure obtain
  ping predict preview query read recommend retrieve scrape search see show suggest summarise summarize tail translate validate view
  visualise visualize wait whoami
`);

/** Verbs that look where a description begins with them; in a name they may as well be an order. */
export const describingVerbs = words('capture contain display evaluate include monitor provide return scan verify');

/** Verbs that only look unless a file or a store is in play, for then they may write one. */
export const shapingVerbs = words('convert decode encode extract format parse');

/** Verbs that change something wherever they stand. */
export const writeVerbs = words(`
  abort accept acknowledge acquire activate add adjust allocate allow amend append apply approve assign attach authorise authorize ban
  bind bulk buy cancel change charge checkin checkout clean cleanup clear click clone close commit complete compose configure confirm connect consume
  copy create deactivate debit decline decrement delete deliver deny deploy deprecate dequeue destroy detach disable disconnect dismiss
  dispatch dispose donate download drag drain drop duplicate edit eject email empty enable enqueue enrol enroll ensure erase exchange
  execute exec expand expire export fill finalize fire flush force forward generate grant hire import increment init initialise initialize
  ingest inject initiate insert install invite invoke kill launch like login logout make merge migrate mkdir modify move mutate mute navigate notify
  onboard open optimise optimize overwrite patch pause pay persist pin place play poke pop post prepare press prune publish purchase purge push put quit
  quarantine reactivate reassign reboot rebuild recharge redeem redo refresh refuel refund register reinstall reject release reload remove
  rename renew reopen reorder replace reply reschedule reseat reserve reset resize resolve respond restart restore resume retry revert
  revoke rm rollback rotate save scale schedule sell send set sign spawn start stop store submit subscribe suspend swap switch sync
  synchronise synchronize tap terminate throttle toggle train transfer trash trigger truncate type unassign unban unblock undeploy undo
  uninstall unlock unmute unpin unpublish unset unsubscribe update upgrade upload upsert vacuum vote wipe withdraw write
`);

/** Verbs that are nouns as well: they count at the head of a name or of a sentence, and after a word that asks for a verb. */
export const headWriteVerbs = words(`
  alert archive backup block book call comment draft feature file flag follow fork issue join label leave link lock log mark message
  order park perform process profile promote record reboot redirect report request return route run seed share ship snapshot split stage star
  strip tag task test text tip track turn watch work
`);

/** Verbs of `writeVerbs` that stand in names as nouns or adjectives too, so behind a reading verb they tell nothing. */
export const nounsBehindRead = words(`
  bulk charge checkout clean clear click clone close commit complete copy download email empty exchange export import like login open patch pin
  play post press purchase push refund release reply reserve set sign start stop store switch sync tap train transfer trigger type
  update upgrade upload vote
`);

export interface WordReading {
  readonly effect: 'read' | 'write' | 'unknown';
  /** What spoke for each, for people. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** "sends" and "creating" to "send" and "create"; a word that is no verb of these lists stays as it is. */
export function toBase(token: string): string {
  if (isVerb(token)) return token;
  for (const [ending, instead] of endings) {
    if (!token.endsWith(ending)) continue;
    const base = token.slice(0, -ending.length) + instead;
    if (isVerb(base)) return base;
  }
  return token;
}

const endings = [
  ['ies', 'y'],
  ['es', ''],
  ['s', ''],
  ['ing', ''],
  ['ing', 'e'],
  ['tting', 't'],
  ['nning', 'n'],
  ['pping', 'p'],
] as const;

const lists = [readVerbs, describingVerbs, shapingVerbs, writeVerbs, headWriteVerbs];
const isVerb = (word: string): boolean => lists.some((list) => list.has(word));
