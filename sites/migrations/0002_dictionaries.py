"""The district plan's departments and categories (PRODUCT dictionaries)."""

from django.db import migrations

DEPARTMENTS = [
    ("economy", "区经信局", "Economy and Information Bureau"),
    ("science", "区科技局", "Science and Technology Bureau"),
    ("culture", "区文旅局", "Culture and Tourism Bureau"),
    ("commerce", "区商务局", "Commerce Bureau"),
    ("market", "区市场监管局", "Market Regulation Bureau"),
    ("emergency", "区应急管理局", "Emergency Management Bureau"),
    ("development", "区发改局", "Development and Reform Bureau"),
    ("health", "区卫健局", "Health Bureau"),
    ("education", "区教育局", "Education Bureau"),
    ("civil", "区民政局", "Civil Affairs Bureau"),
    ("ecology", "生态环境分局", "Ecology and Environment Branch"),
    ("offices", "区机关事务中心", "Government Offices Administration"),
    ("grid", "供电公司", "Grid Company"),
]
CATEGORIES = [
    ("traditional", "纺织、造纸等传统制造企业", "Traditional manufacturing (textile, paper)", ["economy"], True, 38),
    ("parks", "小微企业集聚区、孵化器、科技园内企业", "Small-enterprise parks, incubators, science parks", ["science", "economy"], True, 706),
    ("hotels", "星级饭店、文化娱乐场所", "Star hotels and entertainment", ["culture"], True, 34),
    ("malls", "商场超市、综合楼宇、电商园企业", "Malls, office buildings, e-commerce parks", ["commerce"], True, 5880),
    ("markets", "农贸市场等专业市场内企业", "Enterprises in farm and other markets", ["market", "commerce"], True, 1342),
    ("hazardous", "危化品、涉尘、涉氨、喷涂等重点监管企业", "Hazardous chemicals, dust, ammonia, spraying", ["emergency"], False, 19),
    ("key-energy", "重点用能、高能耗企业", "Key energy users", ["development"], False, 55),
    ("medical", "医疗机构", "Medical institutions", ["health"], False, 30),
    ("schools", "教育培训机构", "Schools and training", ["education"], False, 296),
    ("heritage", "文保单位", "Heritage sites", ["culture"], False, 11),
    ("care", "养老机构、救助福利机构", "Elderly care and relief", ["civil"], False, 19),
    ("polluting", "高污染企业", "Heavily polluting enterprises", ["ecology"], False, 53),
    ("government", "机关事业单位办公用房", "Government offices", ["offices"], False, 358),
    ("grid-platform", "已接入供电公司平台企业", "Enterprises already on the grid company's platform", ["grid"], False, 2120),
    ("dedicated", "专变企业", "Dedicated-transformer customers", ["grid"], False, 6800),
]


def fill(apps, schema_editor):
    department = apps.get_model("sites", "Department")
    category = apps.get_model("sites", "Category")
    for code, name, name_en in DEPARTMENTS:
        department.objects.get_or_create(code=code, defaults={"name": name, "name_en": name_en})
    for code, name, name_en, responsible, subsidised, planned in CATEGORIES:
        row, _created = category.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "name_en": name_en,
                "is_subsidised": subsidised,
                "planned_enterprises": planned,
            },
        )
        row.departments.set(department.objects.filter(code__in=responsible))


class Migration(migrations.Migration):
    dependencies = [("sites", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
