import type { ToolDefinition } from '@signalbox/core';

/** What calling a tool does to the world behind it. Whoever must be safe treats `unknown` as a write. */
export type ToolEffect = 'read' | 'write' | 'unknown';

// Verbs that begin the name of a tool that only looks, and ones whose appearance anywhere in the name, or in what the tool says it
// does, tells of a change. Lists err on the side of change: to call a write a read hands out stale answers and repeats deeds.
const READS = words(
  'get list read search find fetch query show describe lookup count check view browse retrieve inspect status info explain analyze ' +
    'analyse compare calculate compute convert validate verify summarize preview diff stat tail head estimate detect recommend suggest ' +
    'predict forecast translate scrape crawl parse extract resolve discover explore monitor ping whoami history top trending latest ' +
    'current available details detail overview report health version schema metadata',
);
const WRITES = words(
  'create add insert update delete remove set put post patch write edit modify change send reply forward publish upload save store move ' +
    'rename copy merge push commit approve reject cancel close open reopen assign unassign invite book reserve buy purchase order pay ' +
    'transfer refund exchange return modify start stop restart run execute exec trigger deploy install uninstall enable disable archive ' +
    'unarchive restore reset revoke grant lock unlock subscribe unsubscribe follow unfollow like star unstar fork submit register sign ' +
    'toggle replace append clear purge drop truncate kill terminate launch schedule invoke click type fill drag press navigate apply ' +
    'import mark flag tag untag label comment react pin unpin mute block ban kick join leave transfer escalate resolve dispatch notify ' +
    'email message call dial print charge void generate make build compile render upsert sync migrate scale resume pause suspend ' +
    'refuel control turn adjust increase decrease raise lower mutate wipe erase destroy release claim attach detach link unlink ' +
    'activate deactivate initialize configure connect disconnect login logout authenticate withdraw deposit place rollback think',
);
const TELLS_OF_CHANGE =
  /\b(creat|add|insert|updat|delet|remov|modif|chang|writ|edit|send|sent|publish|upload|sav|stor|mov|renam|merg|push|commit|approv|reject|cancel|clos|reopen|assign|invit|book|reserv|buy|purchas|pay|transfer|refund|start|stop|restart|execut|trigger|deploy|install|enabl|disabl|archiv|restor|reset|revok|grant|submit|register|replac|append|clear|overwrit|schedul|subscrib|toggl|destroy|terminat|launch|post)(e|es|ed|s|ing|ting|ning|ping|ies|ied)?\b/i;
const SAYS_IT_READS =
  /^\W*(this tool |tool to |use this to |used to |allows? (you )?to |can )?(gets?|lists?|reads?|search(es)?|finds?|fetch(es)?|quer(y|ies)|shows?|describes?|looks? up|counts?|checks?|views?|browses?|retrieves?|inspects?|returns?|calculates?|converts?|compares?|provides? (information|details)|displays?|obtains?|analy[sz]es?|explains?|summari[sz]es?|downloads?)\b/i;
const SIDE_EFFECT = /\b(side effects?|irreversib|permanent|destructive|charges?|consent|confirmation|explicit (user )?confirm)/i;

/**
 * Tells reads from writes by a tool's definition: its name, what it says of itself, and its annotations. A tool is a read only
 * when its name and its description agree that it looks, and nothing anywhere speaks of a change; an annotation alone does not make
 * it one, as servers annotate carelessly, while an annotation that it changes something always counts.
 */
export function toolEffect({
  name,
  description = '',
  annotations,
}: Pick<ToolDefinition, 'name' | 'description' | 'annotations'>): ToolEffect {
  const { readOnlyHint, destructiveHint } = annotations ?? {};
  if (readOnlyHint === false || (destructiveHint === true && readOnlyHint !== true)) return 'write';
  const parts = partsOf(name);
  const [verb = ''] = parts;
  const isReadVerb = READS.has(verb);
  const isWrite = parts.some((part, index) => WRITES.has(part) && !(index > 0 && isReadVerb && NOUNS.has(part)));
  const first = firstSentence(description);
  if (isWrite && !isReadVerb) return 'write';
  if (isWrite || SIDE_EFFECT.test(description)) return 'unknown';
  const says = SAYS_IT_READS.test(first);
  const tells = TELLS_OF_CHANGE.test(stripNouns(first));
  if (tells && !says) return isReadVerb ? 'unknown' : 'write';
  if (tells) return readOnlyHint === true && isReadVerb ? 'read' : 'unknown';
  if (isReadVerb) return 'read';
  return says || readOnlyHint === true ? (says && !tells ? 'read' : 'unknown') : 'unknown';
}

// Words that are deeds at the front of a name and things behind a verb that looks: `list_orders`, `get_status_report`.
const NOUNS = words(
  'order orders comment comments tag tags label labels message messages email emails call calls commit commits fork star stars release ' +
    'releases schedule schedules post posts return returns exchange transfer transfers payment charge report print store change changes ' +
    'run runs build builds deploy link links block blocks place places type types order close open set sets run lock copy ' +
    'returned reply replies book books issue control import notify invite',
);

function stripNouns(sentence: string): string {
  // What is spoken of rather than done: `the order's delivery status`, `created by`, `updated since`, `recently added`.
  return sentence.replaceAll(
    /\b(last |recently |when |was |were |been |is |are |be )?(created|updated|deleted|modified|changed|added|published|posted|closed|opened|merged|assigned|archived|saved|stored|scheduled|sent|installed|registered|booked|deployed|cancelled|canceled|started|stopped|moved|enabled|disabled|pushed)( (by|at|on|since|before|after|in|to|for|from|items?))?\b/gi,
    ' ',
  );
}

function firstSentence(text: string): string {
  return /^[\s\S]{1,400}?[.!?\n](?=\s|$)/.exec(text)?.[0] ?? text.slice(0, 400);
}

function partsOf(name: string): string[] {
  const spaced = name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
  return spaced.toLowerCase().match(/[a-z]+/g) ?? [];
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
