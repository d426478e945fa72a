/** Words that mean the same, and words that mean the opposite: general knowledge of the language, as data. */
import { stem } from "./Stem.ts"

/** The first word of a line stands for the others. Only words that an editor would swap without a thought. */
const same = `
  buy purchase | begin commence | car automobile | flat apartment | holiday vacation | photo photograph | film movie
  | bike bicycle | child kid | doctor physician | lawyer attorney | mistake error | benefit advantage | drawback
  disadvantage downside | danger hazard | elderly senior pensioner | beginner novice newbie | pro professional | company
  firm | television tv | telephone phone | laptop notebook | rubbish trash garbage | shop store | euro eur € | dollar usd $
  | pound gbp £ | percent per-cent % | kilogram kg kilo | kilometre km | centimetre cm | millimetre mm | litre l
  | pupil schoolchild | repair fix mend | select choose pick | quick rapid | big large | small little | simple easy
  | sofa couch | smartphone cellphone mobile-phone | uk united-kingdom | usa us | ai artificial-intelligence
  | fahrrad velo | vorteil vorteile | nachteil nachteile
`

/** Left against right, with commas between words of one side. */
const opposed = `
  benefit,pro,plus,strength,opportunity/risk,drawback,con,minus,weakness,cost,harm,threat,danger
  start,begin,launch,open,join,enter,adopt/stop,end,finish,close,quit,leave,abandon,cancel
  open/close,closed,shut start/finish,end first/last,final early,earlier/late,later before,after/during before/after
  increase,raise,grow,boost,gain,rise,expand,improve/decrease,reduce,lower,lose,cut,fall,drop,shrink,worsen,decline
  gain/lose win/lose victory/defeat success,successful,succeed/failure,unsuccessful,fail buy/sell,rent,lease
  buyer/seller borrow/lend rent/own hire,employ/fire,dismiss,resign tenant/landlord employer/employee teacher/student
  parent/child doctor/patient supplier/customer client/server frontend/backend male,man,boy,husband,father,son
  /female,woman,girl,wife,mother,daughter men/women king/queen brother/sister uncle/aunt
  beginner/pro,advanced,veteran amateur/professional junior/senior young,younger/old,older,elderly adult/child
  new,modern/old,ancient,traditional,used fresh/stale,rotten,frozen,dried hot,warm/cold,cool heat/cool summer/winter
  spring/autumn day/night morning/evening dawn/dusk sunrise/sunset weekday/weekend past/future ancient/modern
  safe,harmless,edible/dangerous,toxic,poisonous,harmful,unsafe,risky healthy/unhealthy,sick,ill good/bad,evil,poor
  best/worst better/worse more,most/less,fewer,least much,many/little,few high,tall/low,short long/short
  big,large,huge/small,tiny wide/narrow thick/thin deep/shallow heavy/light fast,quick/slow hard,difficult/easy,simple
  hard/soft strong/weak loud/quiet,silent bright,light/dark,dim black/white wet/dry full/empty rich/poor cheap/expensive,costly
  affordable/expensive free/paid public/private indoor,inside,indoors/outdoor,outside,outdoors internal/external inner/outer
  upper/lower above,over/below,under,beneath up/down in/out on/off left/right front,forward/back,backward north,northern
  /south,southern east,eastern/west,western near/far top/bottom vertical/horizontal input/output import/export
  upload/download send/receive push/pull attach/detach connect/disconnect enable,activate/disable,deactivate
  install/uninstall,remove add/remove,delete,subtract create,build/destroy,delete,demolish accept,approve/reject,decline,refuse
  allow,permit/forbid,ban,prohibit,block,deny agree/disagree include/exclude love,like/hate,dislike attack/defend
  attract/repel encourage/discourage support,for/oppose,against praise/criticise,criticize save/spend,waste earn/spend
  profit/loss income,revenue/expense,expenditure asset/liability credit/debit supply/demand surplus/deficit
  question/answer problem/solution cause/effect,consequence,cure arrival,arrive/departure,depart inbound/outbound
  ascend,climb/descend enter/exit entrance/exit appear/disappear find/lose remember/forget learn/unlearn,teach wake/sleep live,life/die,death
  birth/death marry,marriage,wedding/divorce friend/enemy peace/war truth,true,fact/lie,false,myth right/wrong
  correct/incorrect legal,lawful/illegal,unlawful guilty/innocent honest/dishonest visible/invisible possible/impossible
  likely/unlikely necessary/unnecessary useful/useless natural,organic/artificial,synthetic raw/cooked sweet/sour,bitter,salty
  domestic/foreign,wild local/global,remote urban/rural city/village,countryside national/international online/offline
  digital/analogue,analog,paper manual/automatic,automated temporary/permanent static/dynamic formal/informal
  voluntary/compulsory,mandatory optional/mandatory,required always/never often/rarely,seldom everybody,everyone/nobody
  everything/nothing include,with/without maximum/minimum minimise,minimize/maximise,maximize positive/negative
  optimist/pessimist optimistic/pessimistic active/passive introvert/extrovert present/absent single/married,multiple,double
  odd/even major/minor majority/minority superior/inferior theory/practice dos/donts recommend/avoid do/avoid
  tighten/loosen lock/unlock wrap/unwrap pack/unpack freeze/thaw,melt lengthen/shorten strengthen/weaken
  inflate/deflate inflation/deflation boom/recession,bust democracy/dictatorship liberal/conservative left-wing/right-wing
  vegan,vegetarian/meat carnivore/herbivore prevention/treatment acute/chronic benign/malignant
  pregnancy/menopause offense,attack/defense war/peace upgrade/downgrade promote/demote promotion/demotion
  encrypt/decrypt encode/decode compress/decompress login/logout subscribe/unsubscribe follow/unfollow
  optimal/suboptimal efficient/inefficient reliable/unreliable stable/unstable secure/insecure certain/uncertain
  happy,happiness/sad,unhappy,sadness calm/nervous,anxious brave/cowardly patient/impatient polite/rude,impolite
  clean/dirty,soil tidy/messy smooth/rough straight/curly,curved sharp/blunt tight/loose solo,alone/together,group
  vorteil,nutzen,stärke,chance/nachteil,risiko,schwäche,gefahr vorteile,chancen/nachteile,risiken
  anfang,anfangen,beginnen,beginn,starten/ende,enden,aufhören,beenden,stoppen öffnen,eröffnen,eröffnung/schließen,schließung
  kaufen,kauf/verkaufen,verkauf,mieten mieten/vermieten mieter/vermieter steigern,erhöhen,steigen/senken,sinken,verringern
  zunehmen/abnehmen gewinn/verlust gewinnen/verlieren erfolg/misserfolg,scheitern vor,vorher/nach,nachher,während mit/ohne
  für/gegen innen,drinnen/außen,draußen groß,große,großen/klein,kleine,kleinen alt,alte,alten/neu,neue,neuen,jung,junge,jungen
  altbau/neubau gesund/ungesund,krank sicher/unsicher,gefährlich,giftig billig,günstig,günstige/teuer,teure warm,heiß/kalt
  sommer/winter frühling,frühjahr/herbst tag/nacht morgen/abend anfänger/fortgeschrittene,profi,profis stadt/land,dorf
  öffentlich/privat online/offline männer,mann/frauen,frau jungen/mädchen arbeitgeber/arbeitnehmer legal/illegal
  avantage,avantages/inconvénient,inconvénients,risque,risques avant/après acheter/vendre,louer commencer/arrêter,finir
  ouvrir/fermer augmenter/réduire,diminuer,baisser été/hiver printemps/automne homme,hommes/femme,femmes
  intérieur/extérieur grand/petit chaud/froid débutants,débutant/experts,professionnels ville/campagne
  ventajas,ventaja,beneficios/desventajas,desventaja,riesgos,inconvenientes antes/después comprar/vender,alquilar
  empezar,comenzar/dejar,terminar abrir/cerrar aumentar,subir/reducir,bajar,disminuir verano/invierno primavera/otoño
  hombres,hombre/mujeres,mujer interior/exterior grande/pequeño frío/caliente,calor principiantes/expertos,avanzados
`

const canonical: ReadonlyMap<string, string> = new Map(
  same.trim().split("|").flatMap((line) => {
    const [head = "", ...others] = line.trim().split(/\s+/u).map(stem)
    return others.map((other) => [other, head] as const)
  })
)

/** The one of several words of equal meaning that stands for them. */
export const canonicalWord = (stemmed: string): string => {
  const once = canonical.get(stemmed)
  return once === undefined ? stemmed : canonical.get(once) ?? once
}

/** Each word with a word of opposite meaning, stemmed and canonical. */
export const opposites: ReadonlyArray<readonly [string, string]> = opposed
  .trim().replace(/\s+\//gu, "/").split(/\s+/u).flatMap((pair) => {
    const [left = "", right = ""] = pair.split("/")
    const words = (side: string) => side.split(",").map((word) => canonicalWord(stem(word)))
    return words(left).flatMap((one) => words(right).map((other) => [one, other] as const))
  })
